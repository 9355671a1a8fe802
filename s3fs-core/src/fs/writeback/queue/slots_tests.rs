use super::*;
use crate::fs::writeback::queue::interruptions::MOST_INTERRUPTED;

fn key() -> Key {
    Key::new("d/f")
}

fn absent() -> DesiredState {
    DesiredState::Absent(Ino::ROOT, EntryName::from_component("f").unwrap())
}

const FILE: DesiredState = DesiredState::File(Ino(7));

const DONE: Result<Flushed, FsError> = Ok(Flushed::Done);

const STORED: Result<Flushed, FsError> = Ok(Flushed::Stored);

fn is_settled(slots: &mut Slots, key: &Key) -> bool {
    slots.again(key).is_none()
}

#[test]
fn what_is_wanted_later_takes_the_place_of_what_has_not_begun() {
    let mut slots = Slots::default();
    let ticket = slots.want(&key(), FILE).unwrap();
    assert_eq!(slots.want(&key(), absent()), None, "one begins");
    let (want, version) = slots.begin(&key(), ticket).unwrap();
    assert_eq!(want, absent());
    assert_eq!(slots.begin(&key(), ticket), None, "once");
    assert_eq!(slots.ended(&key(), version, DONE), SlotStep::Rest);
    assert!(is_settled(&mut slots, &key()));
}

#[test]
fn what_is_wanted_while_a_request_is_on_its_way_comes_after_it() {
    let mut slots = Slots::default();
    let ticket = slots.want(&key(), FILE).unwrap();
    let (_, version) = slots.begin(&key(), ticket).unwrap();
    assert!(slots.may_exist(&key()));
    assert_eq!(slots.want(&key(), absent()), None);
    let SlotStep::Begin(ticket) = slots.ended(&key(), version, DONE) else {
        panic!("the deletion is to be done");
    };
    assert_eq!(slots.begin(&key(), ticket).unwrap().0, absent());
}

#[test]
fn a_file_that_goes_elsewhere_leaves_the_deletion_that_it_had_covered() {
    let mut slots = Slots::default();
    slots.want(&key(), absent()).unwrap();
    slots.want(&key(), FILE);
    assert!(slots.may_exist(&key()));
    let (taken, ticket) = slots.take(&key());
    assert_eq!(taken, Some(FILE));
    assert_eq!(slots.begin(&key(), ticket.unwrap()).unwrap().0, absent());
    assert_eq!(slots.take(&key()), (None, None), "a deletion stays");
    slots.want(&Key::new("new"), FILE);
    assert_eq!(slots.take(&Key::new("new")), (Some(FILE), None));
    assert!(is_settled(&mut slots, &Key::new("new")));
}

#[test]
fn what_failed_is_wanted_still() {
    let mut slots = Slots::default();
    let ticket = slots.want(&key(), FILE).unwrap();
    let (_, version) = slots.begin(&key(), ticket).unwrap();
    slots.ended(&key(), version, Err(FsError::BadHandle));
    assert_eq!(slots.busy(), 0);
    let (wish, ticket) = slots.again(&key()).unwrap();
    assert!(slots.answer(&wish).is_none(), "the failure is none to it");
    assert_eq!(slots.begin(&key(), ticket.unwrap()).unwrap().0, FILE);
}

/// Returns a wish whose request is under way, and a wish that comes meanwhile.
fn followed(slots: &mut Slots) -> (Wish, Version, Wish) {
    slots.want(&key(), FILE).unwrap();
    let (first, ticket) = slots.again(&key()).unwrap();
    let (_, version) = slots.begin(&key(), ticket.unwrap()).unwrap();
    assert_eq!(slots.want(&key(), FILE), None);
    let (second, _) = slots.again(&key()).unwrap();
    (first, version, second)
}

#[test]
fn a_wish_is_answered_though_others_follow_without_a_pause() {
    let mut slots = Slots::default();
    let (first, version, second) = followed(&mut slots);
    assert!(slots.answer(&first).is_none());
    slots.ended(&key(), version, DONE);
    assert!(matches!(slots.answer(&first), Some(Ok(()))));
    assert!(slots.answer(&second).is_none(), "it came later");
    let mut slots = Slots::default();
    let (first, version, _) = followed(&mut slots);
    slots.ended(&key(), version, Err(FsError::BadHandle));
    assert!(matches!(slots.answer(&first), Some(Err(_))));
}

#[test]
fn a_wish_that_was_passed_on_is_answered_with_the_later_one() {
    let mut slots = Slots::default();
    let (first, version, _) = followed(&mut slots);
    let SlotStep::Begin(ticket) = slots.ended(&key(), version, Ok(Flushed::PassedOn)) else {
        panic!("the later one is to be done");
    };
    assert!(slots.answer(&first).is_none());
    let (_, version) = slots.begin(&key(), ticket).unwrap();
    slots.ended(&key(), version, DONE);
    assert!(matches!(slots.answer(&first), Some(Ok(()))));
}

#[test]
fn a_held_key_waits_for_whoever_holds_it() {
    let mut slots = Slots::default();
    let early = slots.want(&key(), FILE).unwrap();
    assert!(slots.hold(&key()));
    assert!(!slots.hold(&key()));
    assert_eq!(slots.begin(&key(), early), None);
    let SlotStep::Later(ticket) = slots.let_go(&key()) else {
        panic!("nobody waits");
    };
    assert_eq!(slots.begin(&key(), ticket).unwrap().0, FILE);
    assert!(slots.hold(&Key::new("other")));
    assert_eq!(slots.let_go(&Key::new("other")), SlotStep::Rest);
}

#[test]
fn a_key_that_is_held_again_and_again_keeps_its_place() {
    let mut slots = Slots::default();
    let ticket = slots.want(&key(), FILE).unwrap();
    for _ in 0..3 {
        assert!(slots.hold(&key()));
        assert_eq!(slots.let_go(&key()), SlotStep::Rest, "a task waits");
    }
    assert_eq!(slots.begin(&key(), ticket).unwrap().0, FILE);
}

#[test]
fn what_is_kept_with_a_file_goes_with_its_bytes() {
    let mut slots = Slots::default();
    let ticket = slots.want(&key(), FILE).unwrap();
    slots.want(&key(), DesiredState::Headers(Ino(7)));
    assert_eq!(slots.begin(&key(), ticket).unwrap().0, FILE);
}

/// Begins a request about a key, and returns its number.
fn began(slots: &mut Slots) -> Version {
    let ticket = slots.want(&key(), FILE).unwrap();
    slots.begin(&key(), ticket).unwrap().1
}

fn may_interrupt(slots: &Slots) -> bool {
    slots.need(&key()) == FlushNeed::Background
}

const INTERRUPTED: Result<Flushed, FsError> = Ok(Flushed::Interrupted);

#[test]
fn an_interrupted_request_comes_later_and_answers_nobody() {
    let mut slots = Slots::default();
    let version = began(&mut slots);
    assert!(may_interrupt(&slots));
    let SlotStep::Later(ticket) = slots.ended(&key(), version, INTERRUPTED) else {
        panic!("the file is wanted still");
    };
    assert!(!may_interrupt(&slots), "it rests");
    let (wish, sooner) = slots.again(&key()).unwrap();
    assert!(slots.answer(&wish).is_none());
    assert_eq!(slots.begin(&key(), ticket), None, "somebody waits");
    let (_, version) = slots.begin(&key(), sooner.unwrap()).unwrap();
    assert!(slots.answer(&wish).is_none());
    slots.ended(&key(), version, DONE);
    assert!(matches!(slots.answer(&wish), Some(Ok(()))));
}

#[test]
fn a_request_that_an_operation_waits_for_is_not_interrupted() {
    let mut slots = Slots::default();
    let version = began(&mut slots);
    let (wish, ticket) = slots.again(&key()).unwrap();
    assert_eq!(ticket, None);
    assert!(!may_interrupt(&slots));
    // The decision was made before the operation began to wait.
    let SlotStep::Begin(ticket) = slots.ended(&key(), version, INTERRUPTED) else {
        panic!("without a delay");
    };
    assert!(slots.answer(&wish).is_none());
    let (_, version) = slots.begin(&key(), ticket).unwrap();
    slots.ended(&key(), version, DONE);
    assert!(matches!(slots.answer(&wish), Some(Ok(()))));
    let mut slots = Slots::default();
    began(&mut slots);
    assert_eq!(slots.under_way().len(), 1);
    assert!(!may_interrupt(&slots), "an account waits");
}

#[test]
fn a_file_that_changes_without_a_pause_is_stored_in_the_end() {
    let mut slots = Slots::default();
    let mut version = began(&mut slots);
    let mut times = 0;
    while may_interrupt(&slots) {
        assert_eq!(slots.want(&key(), FILE), None);
        let SlotStep::Later(ticket) = slots.ended(&key(), version, INTERRUPTED) else {
            panic!("nobody waits");
        };
        version = slots.begin(&key(), ticket).unwrap().1;
        times += 1;
    }
    assert_eq!(times, MOST_INTERRUPTED);
    assert_eq!(slots.ended(&key(), version, STORED), SlotStep::Rest);
    began(&mut slots);
    assert!(may_interrupt(&slots));
}

#[test]
fn a_name_that_is_deleted_and_made_again_is_stored_in_the_end() {
    let mut slots = Slots::default();
    for n in 0..=MOST_INTERRUPTED {
        let version = began(&mut slots);
        assert_eq!(may_interrupt(&slots), n < MOST_INTERRUPTED);
        let interrupted = n < MOST_INTERRUPTED;
        slots.ended(
            &key(),
            version,
            if interrupted { INTERRUPTED } else { STORED },
        );
        // The deletion takes the file, and its slot goes.
        slots.hold(&key());
        slots.take(&key());
        assert_eq!(slots.let_go(&key()), SlotStep::Rest);
        assert_eq!(slots.len(), 0);
    }
    began(&mut slots);
    assert!(may_interrupt(&slots), "one was stored");
}

#[test]
fn a_file_without_a_name_leaves_the_deletion_that_it_had_covered() {
    let mut slots = Slots::default();
    let ticket = slots.want(&key(), absent()).unwrap();
    slots.want(&key(), FILE);
    let (_, version) = slots.begin(&key(), ticket).unwrap();
    let nameless = Ok(Flushed::Nameless);
    let SlotStep::Begin(ticket) = slots.ended(&key(), version, nameless.clone()) else {
        panic!("the object before is still there");
    };
    let (want, version) = slots.begin(&key(), ticket).unwrap();
    assert_eq!(want, absent());
    assert_eq!(slots.ended(&key(), version, DONE), SlotStep::Rest);
    let version = began(&mut slots);
    assert_eq!(slots.ended(&key(), version, nameless), SlotStep::Rest);
}

#[test]
fn a_key_that_an_operation_waits_for_is_not_put_off() {
    let mut slots = Slots::default();
    let ticket = slots.want(&key(), FILE).unwrap();
    assert!(slots.may_put_off(&key(), ticket));
    assert!(slots.hold(&key()));
    assert!(slots.may_put_off(&key(), ticket));
    let (wish, none) = slots.again(&key()).unwrap();
    assert_eq!(none, None, "it is held");
    assert!(!slots.may_put_off(&key(), ticket));
    let SlotStep::Begin(sooner) = slots.let_go(&key()) else {
        panic!("without a delay");
    };
    assert!(!slots.is_valid(&key(), ticket), "its task ends");
    for _ in 0..3 {
        assert!(slots.hold(&key()));
        assert_eq!(slots.let_go(&key()), SlotStep::Rest, "a task begins");
    }
    let (_, version) = slots.begin(&key(), sooner).unwrap();
    slots.ended(&key(), version, STORED);
    assert!(matches!(slots.answer(&wish), Some(Ok(()))));
}

#[test]
fn a_held_key_that_an_operation_waits_for_begins_without_a_delay() {
    let mut slots = Slots::default();
    let ticket = slots.want(&key(), FILE).unwrap();
    assert!(slots.hold(&key()));
    assert_eq!(slots.begin(&key(), ticket), None, "it is held");
    slots.again(&key()).unwrap();
    assert!(matches!(slots.let_go(&key()), SlotStep::Begin(_)));
}
