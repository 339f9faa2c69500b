//! From a touch to the desktop, and out of it again.

use std::time::Duration;

use crate::{Failure, ward::Ward};

/// The emulator draws slowly.
pub(super) const PATIENCE: Duration = Duration::from_secs(100);

/// Touches the key, and waits for hanako's desktop on the screen.
pub(super) fn touch_and_desktop(
    ward: &mut Ward,
    picture: &str,
    patience: Duration,
) -> Result<String, Failure> {
    ward.touch()?;
    let seen = ward.until_read(picture, &["This is the desktop of hanako"], patience)?;
    ward.ok("loginctl list-sessions --no-legend | grep -E ' hanako +seat0'")?;
    Ok(seen)
}

/// The desktop ends with its only window; then the greeter shows `texts`.
pub(super) fn log_out(
    ward: &mut Ward,
    picture: &str,
    texts: &[&str],
    patience: Duration,
) -> Result<String, Failure> {
    ward.type_line("exit")?;
    let seen = ward.until_read(picture, texts, patience)?;
    ward.ok("! loginctl list-sessions --no-legend | grep -E ' hanako +seat0'")?;
    Ok(seen)
}
