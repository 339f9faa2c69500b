//! What root's command line asks for.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::event::EventName;

#[test]
fn the_names_of_all_people_are_told_to_root_page_by_page_and_to_nobody_else() {
    use wardkey_core::message::agent::{PEOPLE_PER_PAGE, PeoplePage, Reply, Request};
    use wardkey_ipc::Peer;
    let f = Fixture::synced();
    for number in 0..PEOPLE_PER_PAGE + 5 {
        f.ward.put("ward3", &person(&format!("p{number}"), vec![]));
    }
    while f.sync().unwrap() {}
    let mut names = std::collections::BTreeSet::new();
    let (mut page, mut pages) = (Some(PeoplePage::default()), 0);
    while let Some(asked) = page {
        let Reply::People(people) = f.root().ask(&Request::People(asked)) else {
            panic!("no people")
        };
        names.extend(people.names.iter().map(ToString::to_string));
        page = people.next;
        pages += 1;
    }
    assert!(names.contains("hanako") && names.contains("p0"), "{names:?}");
    assert_eq!(
        names.iter().filter(|name| name[1..].parse::<usize>().is_ok()).count(),
        PEOPLE_PER_PAGE + 5
    );
    // Two pages of the first scope, one of the second.
    assert_eq!(pages, 3);
    let somebody = Peer { uid: 1000, ..ROOT };
    assert_eq!(
        f.connect(somebody).refused(&Request::People(PeoplePage::default())),
        Code::NeedsRoot
    );
}

/// The hash of every file of the agent.
fn on_disk(folder: &std::path::Path) -> Vec<(std::path::PathBuf, wardkey_core::id::Hash)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), wardkey_core::codec::sha256(&std::fs::read(path).unwrap())))
        .collect();
    files.sort();
    files
}

#[test]
fn what_a_login_would_be_shown_is_told_to_root_only_and_leaves_no_record() {
    use wardkey_core::message::agent::{Reply, Request};
    use wardkey_ipc::Peer;
    let f = Fixture::synced();
    let before = (
        f.events().len(),
        f.agent.marks().has_seen(&wardkey_core::directory::leaf_key(&login("hanako"))),
        on_disk(f.folder.path()),
    );
    assert!(before.2.len() >= 2, "directory and state");
    let Reply::Status(_) = f.root().ask(&Request::Status) else { panic!("no status") };
    for name in ["hanako", "ghost"] {
        let Reply::Granted(grant) = f.root().ask(&Request::Preview(login(name))) else {
            panic!("nothing is shown of {name}")
        };
        assert!(grant.evidence.is_some());
    }
    let after = (
        f.events().len(),
        f.agent.marks().has_seen(&wardkey_core::directory::leaf_key(&login("hanako"))),
        on_disk(f.folder.path()),
    );
    assert!(after == before, "what is on disk is as it was, to the byte");

    let somebody = Peer { uid: 1000, ..ROOT };
    let refused = f.connect(somebody).refused(&Request::Preview(login("hanako")));
    assert_eq!(refused, Code::NeedsRoot);
}

#[test]
fn a_way_in_that_opened_is_a_warning_and_only_root_may_say_so() {
    use wardkey_core::event::{Outcome, Severity};
    use wardkey_core::message::agent::{Reply, Request, WayIn};
    use wardkey_ipc::Peer;
    let f = Fixture::synced();
    let way = |accepted: Option<&str>| {
        Request::WayIn(WayIn {
            code: Code::ServiceOpen,
            subject: "gdm-fingerprint".into(),
            detail: Some("/etc/pam.d/gdm-fingerprint:3 pam_fprintd.so".into()),
            accepted: accepted.map(Into::into),
        })
    };
    assert!(matches!(f.root().ask(&way(None)), Reply::Recorded(..)));
    assert!(matches!(f.root().ask(&way(Some("no reader"))), Reply::Recorded(..)));
    let somebody = Peer { uid: 1000, ..ROOT };
    assert_eq!(f.connect(somebody).refused(&way(None)), Code::NeedsRoot);
    let events: Vec<_> =
        f.events().into_iter().filter(|event| event.name == EventName::WayIn).collect();
    assert_eq!(
        events.iter().map(|event| event.outcome).collect::<Vec<_>>(),
        [Outcome::Failure, Outcome::Success]
    );
    assert!(
        events
            .iter()
            .all(|event| event.severity() == Severity::Warning && event.name.number() == 25)
    );
    assert!(events[0].to_line().contains(
        "reason=WK-1608 detail=/etc/pam.d/gdm-fingerprint:3_pam_fprintd.so service=gdm-fingerprint"
    ));
    assert!(events[1].to_line().contains("detail=no_reader"));
}
