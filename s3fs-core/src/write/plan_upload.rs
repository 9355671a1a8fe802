//! Plan of the requests that store a file, with known zeros or a permit to send zeros.

use crate::store::Capability;
use crate::write::error::WriteError;
use crate::write::extents::Extents;
use crate::write::plan::{Plan, plan, zeros_sent};
use crate::write::target::{Destination, Target};
use crate::write::zeros::{ZeroRun, ZeroUploadPermit};

/// Source of the bytes of holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HoleSource {
    /// Copies of stored zeros, as far as they are known.
    Copies,
    /// Zeros that are sent.
    Zeros,
}

/// Number of parts of zeros from which on a file waits for a permit to send them.
const MANY_PARTS: u64 = 4;

/// Plans the requests. A file that would send many zeros waits for a permit, unless an operation
/// waits for it.
///
/// # Errors
/// Fails if it is interrupted.
pub(super) async fn plan_upload(
    target: &Target,
    extents: &Extents,
    (to, holes): (&Destination, HoleSource),
) -> Result<(Plan, Option<ZeroUploadPermit>), WriteError> {
    let Target {
        zeros, interrupts, ..
    } = target;
    let sizes = target.sizes();
    let may_copy = extents
        .whole_object()
        .is_some_and(|object| to.may_copy(object));
    let with = |zeros: Option<&ZeroRun>| plan(extents, sizes, may_copy, zeros);
    // Without that condition, another client's bytes could be copied.
    let conditional = Capability::ConditionalCopy;
    let may_copy_zeros = target.store.capabilities().has(conditional);
    if holes == HoleSource::Zeros || !may_copy_zeros || !zeros.are_copied() {
        return Ok((with(None), None));
    }
    loop {
        let run = zeros.longest(sizes.first());
        let plan = with(run.as_ref());
        let Plan::Parts(parts) = &plan else {
            return Ok((plan, None));
        };
        let sent = zeros_sent(extents, parts, sizes.first());
        if sent < MANY_PARTS * sizes.first() {
            return Ok((plan, None));
        }
        // A run that is known may be too short for the parts of this file.
        let enough = run.map_or(sizes.first(), |run| run.length() + 1);
        let permit = tokio::select! {
            permit = zeros.permit(sent, enough, || interrupts.is_urgent()) => permit,
            _ = interrupts.interrupted(|_| true) => return Err(WriteError::Interrupted),
        };
        if permit.is_some() {
            return Ok((plan, permit));
        }
    }
}
