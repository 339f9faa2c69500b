//! `wardkey join` against a scripted agent: only what the token names becomes the anchor.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Deployment, Machine};
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::id::TerminalId;
use wardkey_core::message::agent::{Joined, Refusal, Reply, Request};
use wardkey_core::snapshot::Anchor;

fn line(deployment: &Deployment, more: &str) -> String {
    let token = deployment.token();
    format!(
        "join --server https://s:8443 --token {token} --anchor DIR/anchor.toml \
         --marks DIR/marks --name 端末1{more}"
    )
}

/// A machine whose agent answers every join like this.
fn machine(joined: Joined) -> Machine {
    let machine = Machine::new();
    machine.agent(move |request| match request {
        Request::Join(join) => {
            assert_eq!(join.server, "https://s:8443");
            assert_eq!(join.name.as_str(), "端末1");
            let id = [&b"wardkey/machine/1\0"[..], b"0123456789abcdef0123456789abcdef"].concat();
            assert_eq!(join.machine, codec::sha256(&id));
            vec![Reply::Joined(Box::new(joined.clone()))]
        }
        Request::Status => vec![Reply::Status(Box::new(common::status()))],
        other => panic!("{other:?}"),
    });
    machine
}

/// A machine whose agent refuses every join like this.
fn refusing(code: Code) -> Machine {
    let machine = Machine::new();
    machine.agent(move |request| match request {
        Request::Join(_) => {
            vec![Reply::Refused(Refusal {
                code,
                detail: Some("why".into()),
                retry_after: None,
                record: None,
            })]
        }
        other => panic!("{other:?}"),
    });
    machine
}

fn anchor_of(deployment: &Deployment, terminal: u8) -> String {
    let anchor =
        Anchor { root_key: deployment.root.public(), terminal: TerminalId::new([terminal; 16]) };
    format!("root_key = \"{}\"\nterminal = \"{}\"\n", anchor.root_key, anchor.terminal)
}

#[test]
fn the_right_deployment_becomes_the_anchor() {
    let deployment = Deployment::new(1);
    let machine = machine(deployment.joined(5));
    let ran = machine.run(&line(&deployment, " --json"), &[], false, true);
    assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.errors);
    let json = ran.json();
    assert_eq!(json["terminal"], "05".repeat(16));
    assert_eq!(json["terminal_name"], "病棟3-1");
    assert_eq!(json["deployment_name"], "中央病院");
    assert_eq!(json["root_key"], deployment.root.public().to_hex());
    assert_eq!(json["scopes"], serde_json::json!(["roaming", "ward3"]));
    let text = std::fs::read_to_string(machine.path("anchor.toml")).unwrap();
    assert!(text.ends_with(&anchor_of(&deployment, 5)), "{text}");
    assert_eq!(json["awaiting_approval"], false);
    // Again, by another token and for people: the same root is no obstacle.
    std::fs::remove_file(machine.path("joined-with")).unwrap();
    let ran = machine.run(&line(&deployment, ""), &[], false, true);
    assert_eq!(ran.exit, 0, "{}", ran.errors);
    assert!(
        ran.out.contains("This terminal has joined.") && ran.out.contains("中央病院"),
        "{}",
        ran.out
    );
}

#[test]
fn joining_twice_by_one_token_asks_no_server_and_blames_no_token() {
    let deployment = Deployment::new(1);
    let machine = machine(deployment.joined(5));
    assert_eq!(machine.run(&line(&deployment, ""), &[], false, true).exit, 0);
    assert_eq!(machine.log(), ["agent Join"]);
    let ran = machine.run(&line(&deployment, ""), &[], false, true);
    assert!(
        ran.exit == 1 && ran.errors.contains("This terminal has joined already. (WK-1505)"),
        "{}",
        ran.errors
    );
    assert!(
        ran.errors.contains(&format!("wardkey-server token add --replace {}", "05".repeat(16)))
    );
    assert_eq!(machine.log(), ["agent Status"]);
}

#[test]
fn a_terminal_that_waits_for_approval_says_so_and_where() {
    let deployment = Deployment::new(1);
    let machine = machine(deployment.pending(5));
    let ran = machine.run(&line(&deployment, ""), &[], false, true);
    assert!(
        ran.out.starts_with("This terminal has joined. An administrator of the server has yet"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.ends_with("At the server: wardkey-server terminal approve 病棟3-1\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_refusal_names_the_address() {
    let deployment = Deployment::new(1);
    for (code, told) in [
        (Code::ServerNotTrusted, "(WK-1502)\n  https://s:8443: why\n"),
        (Code::JoinTokenInvalid, "(WK-1503)\n  why\n"),
        (Code::ServerUnreachable, "(WK-1501)\n  https://s:8443: why\n"),
    ] {
        let ran = refusing(code).run(&line(&deployment, ""), &[], false, true);
        assert!(ran.exit == 1 && ran.errors.ends_with(told), "{}", ran.errors);
    }
}

#[test]
fn a_chain_of_roots_is_followed_from_the_tokens_key() {
    let deployment = Deployment::new(1);
    let roots = vec![deployment.first_root(), deployment.next_root(&deployment.root)];
    let machine = machine(Joined { roots: List::new(roots).unwrap(), ..deployment.joined(5) });
    assert_eq!(machine.run(&line(&deployment, ""), &[], false, true).exit, 0);
    let text = std::fs::read_to_string(machine.path("anchor.toml")).unwrap();
    assert!(text.contains(&deployment.root.public().to_hex()), "the anchor is the first key");
}

#[test]
fn a_taken_over_agent_cannot_choose_the_anchor() {
    let (right, wrong) = (Deployment::new(1), Deployment::new(2));
    let roots = |roots| List::new(roots).unwrap();
    let good = right.joined(5);
    for (what, joined) in [
        ("another deployment", wrong.joined(5)),
        ("no root", Joined { roots: List::default(), ..good.clone() }),
        (
            "another deployment's terminal",
            Joined { document: wrong.joined(5).document, ..good.clone() },
        ),
        ("another terminal", Joined { terminal: TerminalId::new([6; 16]), ..good.clone() }),
        ("no document", Joined { document: Bytes::default(), ..good.clone() }),
        (
            "a next root that the first did not sign",
            Joined {
                roots: roots(vec![right.first_root(), right.next_root(&wrong.root)]),
                ..good.clone()
            },
        ),
        (
            "the right root in second place",
            Joined { roots: roots(vec![wrong.first_root(), right.first_root()]), ..good },
        ),
    ] {
        for before in [None, Some(anchor_of(&right, 9))] {
            let machine = machine(joined.clone());
            if let Some(text) = &before {
                std::fs::write(machine.path("anchor.toml"), text).unwrap();
            }
            let ran = machine.run(&line(&right, " --json"), &[], false, true);
            assert_eq!(ran.exit, 1, "{what}");
            assert_eq!(ran.json()["error"]["code"], "WK-1502", "{what}");
            assert_eq!(std::fs::read_to_string(machine.path("anchor.toml")).ok(), before, "{what}");
        }
    }
}

#[test]
fn another_deployment_takes_replace() {
    let (old, new) = (Deployment::new(1), Deployment::new(2));
    for (before, replace, exit) in [
        (anchor_of(&new, 9), "", 0),
        (anchor_of(&old, 9), "", 1),
        ("not an anchor".into(), "", 1),
        (anchor_of(&old, 9), " --leave-deployment", 0),
        ("not an anchor".into(), " --replace", 0),
    ] {
        let machine = machine(new.joined(5));
        std::fs::write(machine.path("anchor.toml"), &before).unwrap();
        std::fs::write(
            machine.path("marks"),
            codec::to_bytes(&wardkey_core::marks::Marks::default()),
        )
        .unwrap();
        let ran = machine.run(&line(&new, replace), &[], false, true);
        assert_eq!(ran.exit, exit, "{before} {replace} {}", ran.errors);
        let after = std::fs::read_to_string(machine.path("anchor.toml")).unwrap();
        if exit == 0 {
            assert!(after.ends_with(&anchor_of(&new, 5)), "{after}");
        } else {
            assert!(
                ran.errors.contains("(WK-1505)") && ran.errors.contains("--leave-deployment"),
                "{}",
                ran.errors
            );
            assert_eq!(after, before);
            assert!(machine.log().is_empty(), "the agent was not asked");
        }
        let kept = before.contains(&new.root.public().to_hex()) || exit == 1;
        assert_eq!(
            machine.path("marks").exists(),
            kept,
            "marks of another deployment refuse everything"
        );
    }
}

#[test]
fn what_is_wrong_with_an_anchor_is_said_in_the_language_of_who_reads_it() {
    let deployment = Deployment::new(1);
    let machine = machine(deployment.joined(5));
    for (text, en, ja) in [
        ("extra = 1", "unknown key \"extra\"", "「extra」というキーはありません"),
        ("root_key = \"KEY\"", "terminal is missing", "terminal がありません"),
    ] {
        let text = text.replace("KEY", &deployment.root.public().to_hex());
        std::fs::write(machine.path("anchor.toml"), text).unwrap();
        for (language, why) in [("en", en), ("ja", ja)] {
            let line = line(&deployment, &format!(" --lang {language}"));
            let ran = machine.run(&line, &[], false, true);
            assert!(ran.errors.contains(why), "{}", ran.errors);
        }
    }
}

#[test]
fn joining_needs_root_a_token_and_an_agent() {
    let deployment = Deployment::new(1);
    let ready = machine(deployment.joined(5));
    let ran = ready.run(&line(&deployment, " --json"), &[], false, false);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some("WK-1513")));
    let token = deployment.token();
    let last = if token.ends_with('7') { "8" } else { "7" };
    let mistyped = format!("{}{last}", &token[..22]);
    for (wrong, code) in [("wkj3-", "WK-1503"), ("K3M7", "WK-1503"), (mistyped.as_str(), "WK-1571")]
    {
        let wrong = line(&deployment, " --json").replace(&token, wrong);
        let ran = ready.run(&wrong, &[], false, true);
        assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (1, Some(code)), "{wrong}");
    }
    for wrong in [mistyped, format!("{token}-{token}")] {
        let ran =
            ready.run(&line(&deployment, " --json").replace(&token, &wrong), &[], false, true);
        assert!(!(ran.out + &ran.errors).contains(&token[6..22]), "the token is not repeated");
    }
    std::fs::write(ready.path("machine-id"), "uninitialized\n").unwrap();
    let ran = ready.run(&line(&deployment, " --json"), &[], false, true);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (3, Some("WK-1308")));
    assert!(ready.log().is_empty() && !ready.path("anchor.toml").exists());
    let ran = Machine::new().run(&line(&deployment, " --json"), &[], false, true);
    assert_eq!((ran.exit, ran.json()["error"]["code"].as_str()), (3, Some("WK-1301")));
}

#[test]
fn the_token_comes_from_a_file_or_from_standard_input() {
    let deployment = Deployment::new(1);
    let machine = machine(deployment.joined(5));
    std::fs::write(machine.path("token"), format!("{}\n", deployment.token())).unwrap();
    let by = |from: &str| {
        line(&deployment, "").replace(&format!("--token {}", deployment.token()), from)
    };
    assert_eq!(machine.run(&by("--token-file DIR/token"), &[], false, true).exit, 0);
    std::fs::remove_file(machine.path("joined-with")).unwrap();
    assert_eq!(machine.run(&by("--token-file -"), &[&deployment.token()], false, true).exit, 0);
    assert_eq!(machine.run(&by("--token-file DIR/none"), &[], false, true).exit, 3);
}
