//! The few sentences that the browser itself has to say. Everything else is worded on the server.

/// The request or its answer was lost.
pub const UNREACHABLE: &str =
    "We could not reach the server. Check your connection, then try again. Nothing you typed is lost.";
/// The answer was not one of ours.
pub const BROKEN: &str = "Something went wrong on our side. Try again in a moment. Nothing you typed is lost.";
/// Leaving a new key behind.
pub const LEAVE_KEY: &str = "You have not copied the key yet, and it will not be shown again. Close anyway?";
/// On the copy button.
pub const COPY: &str = "Copy";
/// The clipboard has it.
pub const COPIED: &str = "Copied";
/// The clipboard refused.
pub const COPY_BY_HAND: &str = "Press Ctrl+C";
