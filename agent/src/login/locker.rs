//! Which logins unlock a screen. They come before every other prompt of their session; otherwise a
//! forgotten prompt would keep people from their own desk.

use wardkey_core::lockers;
use wardkey_core::name::ServiceName;

use crate::session::Place;

/// GDM unlocks by the services that it logs in by, then within the session.
const GDM: &str = "gdm-";

/// Whether a login unlocks the session that it is in. The service is the application's own word: a
/// program that says so without being a locker comes before the other prompts of its own session,
/// and no further.
pub fn is_locker(service: &ServiceName, place: &Place) -> bool {
    let Some(session) = &place.session else { return false };
    let own = place.uid.is_none_or(|uid| uid == session.uid) && !session.is_greeter();
    own && (lockers::is_locker(service.as_str()) || service.as_str().starts_with(GDM))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;

    #[test]
    fn a_locker_is_one_of_the_sessions_own() {
        let session = |class: &str| {
            Some(Session {
                uid: 2001,
                class: class.into(),
                seat: Some("seat0".into()),
                ..Session::default()
            })
        };
        for (service, uid, session, expected) in [
            ("swaylock", Some(2001), session("user"), true),
            ("screen-locker", Some(2001), session("user"), true),
            ("gdm-password", None, session("user"), true),
            ("xlock", None, session("user"), true),
            ("swaylock", Some(2002), session("user"), false),
            ("swaylock", Some(2001), None, false),
            ("gdm-password", None, session("greeter"), false),
            ("gdm-password", None, None, false),
            ("sudo", Some(2001), session("user"), false),
            ("polkit-1", None, session("user"), false),
        ] {
            let place = Place { session, uid, ..Place::default() };
            let service = ServiceName::new(service).unwrap();
            assert_eq!(is_locker(&service, &place), expected, "{service:?} {uid:?}");
        }
    }
}
