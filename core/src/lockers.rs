//! Which PAM services lock screens: agent and module go by the same list.

/// PAM services of screen lockers.
pub const LOCKERS: &[&str] = &[
    "cinnamon-screensaver",
    "gnome-screensaver",
    "gtklock",
    "hyprlock",
    "i3lock",
    "kde",
    "kde-fingerprint",
    "kscreenlocker",
    "mate-screensaver",
    "physlock",
    "screen-locker",
    "swaylock",
    "vlock",
    "waylock",
    "xfce4-screensaver",
    "xlock",
    "xscreensaver",
    "xsecurelock",
];
