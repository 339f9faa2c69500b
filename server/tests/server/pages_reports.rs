//! Reports on pages: what they show, to whom, and as files.

use wardkey_core::code::Code;
use wardkey_core::name::LoginName;

use super::support::admin::Admin;
use super::support::browser::{Browser, token};
use super::support::people::{refused, report};
use super::support::{Deployment, now};

const REPORTS: [&str; 5] = ["logins", "exceptions", "inventory", "coverage", "shared-accounts"];

/// A terminal in each of two wards, at which somebody is refused, and a person of both.
fn hospital() -> (Deployment, super::support::Running) {
    let deployment = Deployment::with_pages();
    let at = now();
    let running = deployment.start_at(at);
    for (scope, login, desk) in [("icu", "yamada", "desk-icu"), ("er", "sato", "desk-er")] {
        deployment.ok(&["person", "add", login, "--name", login, "--scope", scope]);
        deployment.ok(&["scope", "set", scope, "--passes", "12h"]);
        let account = format!("shared-{scope}");
        deployment.ok(&["account", "set", &account, "--scope", scope, "--group", "nurses"]);
        deployment.ok(&["pass", "add", login, "--reason", &format!("forgotten in {scope}")]);
        let terminal = deployment.join(&running, desk, &[scope]);
        report(&terminal, &[refused(&terminal, at, Code::PinWrong)]);
    }
    deployment.ok(&["person", "add", "both", "--name", "both", "--scope", "icu", "er"]);
    deployment.join(&running, "desk-both", &["icu", "er"]);
    // The command line has a clock of its own: what it did is past.
    running.clock.advance(600);
    (deployment, running)
}

#[test]
fn each_report_is_a_page_with_plots_and_tables_in_both_languages() {
    let (deployment, running) = hospital();
    let key = deployment.administrator(&running, "ito", &["auditor"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    for (language, index, name) in
        [("en", "Reports", "Key models"), ("ja", "レポート", "キーの機種")]
    {
        browser.language = language;
        let all = browser.get("/reports").body;
        assert!(all.contains(index) && all.contains(name), "{all}");
        for report in REPORTS {
            assert!(all.contains(&format!("href=\"/reports/{report}\"")), "{report}");
            let page = browser.get(&format!("/reports/{report}"));
            assert_eq!(page.status, 200, "{}", page.body);
            let has_plot = page.body.contains("<svg viewBox=");
            assert!(has_plot || report == "shared-accounts", "{report}: {}", page.body);
            assert!(page.body.contains("<table>") && page.body.contains("<li>"), "{report}");
            assert!(!page.body.contains(" style=") && !page.body.contains("<style"), "{report}");
        }
    }
    // What stands there is what the command line says.
    browser.language = "en";
    let page = browser.get("/reports/logins?by=hour").body;
    let said = deployment.json(&["report", "logins", "--by", "hour"]);
    assert_eq!(said["total"]["refused"], 2);
    assert!(page.contains("WK-1203") && page.contains("<td class=\"number\">2</td>"), "{page}");
    assert!(browser.get("/reports/exceptions").body.contains("forgotten in er"));
}

#[test]
fn whoever_is_for_certain_scopes_has_reports_of_one_of_these_and_of_no_other() {
    let (deployment, running) = hospital();
    let key = deployment.administrator(&running, "ito", &["site-administrator", "--scope", "icu"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    for report in REPORTS {
        let path = format!("/reports/{report}");
        let page = browser.get(&path).body;
        // What lies in their scope, and no name of another: nor as one of somebody's several.
        for other in ["sato", "desk-er", "shared-er", ">er<", "er, icu", "in er"] {
            assert!(!page.contains(other), "{report}: {other}: {page}");
        }
        let own = ["yamada", "desk-icu", "shared-icu", "icu"];
        assert!(own.iter().any(|name| page.contains(name)), "{report}: {page}");
        assert!(!page.contains("<option value=\"\">All"), "{report}: not all there are");
        assert_eq!(browser.get(&format!("{path}?scope=icu")).status, 200);
        for scope in ["er", "nowhere"] {
            let answer = browser.get(&format!("{path}?scope={scope}"));
            assert_eq!(answer.status, 404, "{report} {scope}: {}", answer.body);
        }
    }
    let page = browser.get("/reports/coverage").body;
    assert!(page.contains("desk-both"), "{page}");
    assert!(browser.get("/reports/exceptions").body.contains("forgotten in icu"));
    // A help desk has none.
    let key = deployment.administrator(&running, "kato", &["help-desk"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    for path in ["/reports", "/reports/logins", "/reports/inventory?table=keys"] {
        assert_eq!(browser.get(path).status, 403, "{path}");
    }
    assert!(!browser.get("/").body.contains("href=\"/reports\""));
}

#[test]
fn a_table_of_a_report_is_a_file_and_a_page_shows_the_first_rows_of_a_long_one() {
    let (deployment, running) = hospital();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    let people: String = (0..250).map(|number| format!("p{number:03},=N{number},icu\n")).collect();
    let path = deployment.folder.path().join("people.csv");
    std::fs::write(&path, format!("login,name,scopes\n{people}")).unwrap();
    deployment.ok(&["person", "import", path.to_str().unwrap()]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    let page = browser.get("/reports/inventory?scope=icu&unused=30").body;
    assert_eq!(page.matches(">=N").count(), 198, "two hundred rows, the first two others'");
    assert!(page.contains("more rows are in the CSV file"), "{page}");
    let link = "/reports/inventory?scope=icu&amp;unused=30&amp;table=people";
    assert!(page.contains(link), "{page}");

    let file = browser.get(&link.replace("&amp;", "&"));
    let place = file.headers["content-disposition"].to_str().unwrap();
    assert!(place.contains("wardkey-inventory-people-"), "{place}");
    assert!(file.body.starts_with('\u{feff}') && file.body.matches(",'=N").count() == 250);
    let row = &deployment.rows(&["audit", "list", "--limit", "1"])[0];
    assert_eq!(
        (&row["action"], &row["object"]),
        (&"page.download".into(), &"inventory-people".into())
    );
    assert_eq!(row["detail"], "scope=icu, unused=30");

    for (path, status, says) in [
        ("/reports/inventory?table=nothing", 404, "WK-1515"),
        ("/reports/inventory?unused=0", 400, "1 to 36500"),
        ("/reports/logins?by=week", 400, "hour or day"),
        ("/reports/logins?from=tomorrow", 400, "WK-1516"),
        ("/reports/logins?from=2026-04-02&to=2026-04-01", 403, "WK-1970"),
        ("/reports/logins?from=2026-01-01&to=2026-04-01&by=hour", 403, "WK-1971"),
        ("/reports/logins?from=2020-01-01&to=2026-04-01", 400, "at most 400 days"),
    ] {
        let answer = browser.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(
            answer.body.contains(says) && answer.body.contains("<main"),
            "{path}: {}",
            answer.body
        );
    }
    let _ = token(&browser.get("/reports"));
}

#[test]
fn what_is_of_people_of_elsewhere_is_in_no_report_of_another_site() {
    let (deployment, running) = hospital();
    let key = deployment.administrator(&running, "ito", &["site-administrator", "--scope", "icu"]);
    for (login, name, scope) in [("tanaka", "T of er", "er"), ("mori", "M of er", "icu")] {
        deployment.ok(&["person", "add", login, "--name", name, "--scope", scope]);
    }
    // At a terminal of both wards, for somebody of the other one alone; and for somebody who went
    // there since.
    let both = &deployment.rows(&["terminal", "list", "--search", "desk-both"])[0]["id"];
    let both = both.as_str().unwrap();
    let pass = ["pass", "add", "tanaka", "--terminal", both, "--reason", "of tanaka"];
    deployment.ok(&pass);
    deployment.ok(&["pass", "add", "mori", "--reason", "of mori"]);
    deployment.ok(&["person", "set", "mori", "--add-scope", "er", "--remove-scope", "icu"]);
    // Somebody of the other ward at an account that is shared in this one.
    let terminal = deployment.join(&running, "desk-too", &["icu"]);
    let mut tried = refused(&terminal, now() - 60, Code::PinWrong);
    tried.person = Some(LoginName::new("tanaka").unwrap());
    tried.account = Some(LoginName::new("shared-icu").unwrap());
    report(&terminal, &[tried]);
    running.clock.advance(600);

    let mut browser = Browser::signed_in(&running, &key, 2);
    let page = browser.get("/reports/exceptions").body;
    assert!(page.contains("forgotten in icu"), "{page}");
    assert!(!page.contains("of tanaka") && !page.contains("of mori"), "{page}");
    let page = browser.get("/reports/shared-accounts").body;
    assert!(page.contains("shared-icu") && page.contains("tanaka"), "{page}");
    assert!(!page.contains("T of er"), "{page}");
    // Whoever is for all of them has it.
    let key = deployment.administrator(&running, "kato", &["auditor"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    let page = browser.get("/reports/exceptions?scope=icu").body;
    assert!(page.contains("of tanaka") && page.contains("of mori"), "{page}");
    assert!(browser.get("/reports/shared-accounts?scope=icu").body.contains("T of er"));
}

#[test]
fn reports_that_are_made_keep_nobody_from_switching_something_off() {
    let (deployment, running) = hospital();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let mut browser = Browser::signed_in(&running, &key, 2);

    // One is made, for as long as this lasts; more ask for one than may read the store at once.
    let made = running.server().app().reports.try_acquire().unwrap();
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let mut other = Browser::new(&running);
            other.cookies.clone_from(&browser.cookies);
            std::thread::spawn(move || other.get("/reports/inventory"))
        })
        .collect();
    let answer = browser.fill("/people/yamada", "/people/yamada/disable", &[("reason", "lost")]);
    assert_eq!(answer.status, 303, "{}", answer.body);
    let told = asked.into_iter().map(|asked| asked.join().unwrap());
    for answer in told.chain([admin.get("/v1/reports/inventory")]) {
        assert_eq!(answer.status, 429, "nobody waits for it: {}", answer.body);
        assert_eq!(answer.headers["retry-after"], "5");
    }

    drop(made);
    assert_eq!(browser.get("/reports/inventory").status, 200);
    assert_eq!(admin.get("/v1/reports/inventory").status, 200);
}
