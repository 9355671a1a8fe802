//! IDs by which a server's operator finds a request.

use std::fmt;

use crate::object::Shown;

/// ID of a request, from the headers of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    /// Header `x-amz-request-id`.
    pub id: String,
    /// Header `x-amz-id-2`, if the server has sent it.
    pub extended: Option<String>,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Shown(&self.id))?;
        match &self.extended {
            Some(extended) => write!(f, ", extended ID {}", Shown(extended)),
            None => Ok(()),
        }
    }
}
