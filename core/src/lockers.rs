//! Which PAM services lock screens: agent and module go by the same list.

/// PAM services of screen lockers, in one text: in a table each would take 40 bytes more of the
/// module.
const LOCKERS: &str = "cinnamon-screensaver gnome-screensaver gtklock hyprlock i3lock kde \
    kde-fingerprint kscreenlocker mate-screensaver physlock screen-locker swaylock vlock waylock \
    xfce4-screensaver xlock xscreensaver xsecurelock";

/// Whether a PAM service locks screens.
pub fn is_locker(service: &str) -> bool {
    LOCKERS.split(' ').any(|locker| locker == service)
}
