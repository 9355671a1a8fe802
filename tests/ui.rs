//! Compile errors of a wrong attribute, at the user's own tokens. Code that must compile is in
//! `tests/ui/pass`, as tests that run.

#[test]
fn a_mistake_is_an_error_at_its_own_token() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
