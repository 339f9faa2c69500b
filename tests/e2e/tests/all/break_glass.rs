//! Nobody's key is there: the sealed code of an account that is nobody's, once.

use std::time::Duration;

use wardkey_core::code::Notice;
use wardkey_e2e::login::Ended;
use wardkey_e2e::process::wait_for;
use wardkey_e2e::{Login, Ward, audit};

fn login(code: &str) -> Ended {
    Login::of("emergency3").answers(&[code]).run()
}

#[test]
fn a_sealed_code_lets_somebody_in_once_offline_too_and_alarms() {
    let mut ward = Ward::ready();
    ward.terminal.unplug();
    ward.server.admin(&["scope", "set", "ward3", "--break-glass", "30d"]);
    ward.server.add_person("emergency3", "Emergency, Ward 3", "en");
    let safe = "safe of ward 3";
    let add = ["break-glass", "add", "emergency3", "--for", "7d", "--reason", safe];
    let made = ward.server.admin_json(&add);
    let code = made["code"].as_str().expect("a code").to_owned();
    ward.terminal.sync();

    // Not for what raises privilege, nor over the network; and a wrong one is no use of it.
    let sudo = Login::at("sudo", "emergency3").answers(&[&code]).run();
    assert!(!sudo.is_in() && sudo.secret_prompts().is_empty(), "{sudo:?}");
    let remote = Login::of("emergency3").with(&["--rhost", "192.0.2.9"]).answers(&[&code]).run();
    assert!(!remote.is_in() && remote.secret_prompts().is_empty(), "{remote:?}");
    login("ZZZZ-ZZZZ-ZZZZ-ZZZZ").expect_refused("PAM_AUTH_ERR", 1803);

    ward.server.stop();
    let ended = login(&code.to_lowercase()).expect_in();
    assert!(ended.said(Notice::BreakGlassUsed), "{ended:?}");
    let record = audit::wait_for_records("break-glass-login", 1).remove(0);
    assert_eq!(
        [&record["person"], &record["proof"], &record["evidence"], &record["outcome"]],
        ["emergency3", "break-glass", "signed", "success"],
        "{record:?}"
    );

    // It is void, whatever becomes of the agent and of what it keeps.
    login(&code).expect_refused("PAM_AUTH_ERR", 1259);
    ward.terminal.kill_agent();
    ward.terminal.start_agent();
    login(&code).expect_refused("PAM_AUTH_ERR", 1259);

    // The server hears of it, and has it void everywhere.
    ward.server.resume();
    let show = ["break-glass", "show", "emergency3"];
    let shown = wait_for("the use at the server", Duration::from_secs(60), || {
        let shown = ward.server.admin_json(&show);
        (shown["status"] == "used").then_some(shown)
    });
    assert_eq!((&shown["uses"], &shown["ended_by"]), (&1.into(), &"use".into()), "{shown}");
    let trail = ward.server.admin_json(&["audit", "list", "--search", "break-glass.used"]);
    assert_eq!(trail["items"].as_array().map(Vec::len), Some(1), "{trail}");

    for log in [wardkey_e2e::process::all_logs(), audit::lines().join("\n")] {
        let plain = code.replace('-', "");
        assert!(!log.contains(&code) && !log.contains(&plain), "the code is in a log");
    }
}
