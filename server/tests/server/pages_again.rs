//! A login name that was given again, on the page of whoever has it now.

use std::time::Duration;

use wardkey_core::event::{EventName, Outcome};

use super::pages_own::{of, spare, with_own_pages};
use super::support::browser::{Browser, short};
use super::support::now;
use super::support::people::{recorded, report};

#[test]
fn whoever_has_a_login_name_now_reads_nothing_of_who_had_it_before() {
    let deployment = with_own_pages();
    let running = deployment.start();
    let before = deployment.with_key(&running, "kato");
    let terminal = deployment.join(&running, "ward of before", &["icu"]);
    let login = recorded(EventName::Login, Outcome::Success, &terminal, now());
    report(&terminal, &[of(login, Some("kato"), "kato")]);
    let page = Browser::signed_in(&running, &before, 2).get("/me").body;
    assert!(page.contains("ward of before") && page.contains(&short(&before)), "{page}");

    deployment.ok(&["person", "delete", "kato"]);
    let end = now();
    // Times are whole seconds.
    while now() == end {
        std::thread::sleep(Duration::from_millis(20));
    }
    deployment.ok(&["person", "add", "kato", "--name", "加藤", "--scope", "icu"]);
    let after = spare(&deployment, &terminal, "kato");
    let mut browser = Browser::signed_in(&running, &after, 2);
    for path in ["/me", "/me/logins"] {
        let page = browser.get(path).body;
        let is_of_before = page.contains("ward of before") || page.contains(&short(&before));
        assert!(!is_of_before, "{path}: {page}");
    }
    assert!(browser.get("/me").body.contains(&short(&after)), "the sign-in of now");
}
