//! The benchmark: our login beside pam_u2f's, in pairs in one go, on the same software key with the
//! touch given at once. Production binaries, a fresh key process for each login, durable writes on
//! a real file system. Runs inside `tests/ward/enter`.
//!
//! Prints exchanges and wall times and writes `target/bench/login.json`.

mod figures;
mod login;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use wardkey_e2e::process::{run, wait_for};
use wardkey_e2e::{PIN, Rsyslog, Server, SoftKey, Terminal, paths, peer};

use figures::{Figures, median};
use login::{Side, one};

/// Pairs of logins for each case; medians are of at least 20.
const PAIRS: usize = 30;
/// People with one key each in the large case, and how many of those have a credential record.
const MANY: usize = 100_000;
const MANY_CREDENTIALS: usize = 30_000;

fn main() {
    let _rsyslog = Rsyslog::start();
    let mut server = Server::start(900);
    // The benchmark is no attack: what is limited is what one terminal may ask in a minute.
    server.stop();
    Server::configure(
        900,
        "[limits]\nterminal = 100000\ncode = 1000\naccount = 1000\naddress = 1000\n",
    );
    server.resume();
    let terminal = Terminal::start();
    let bus = terminal.bus.as_ref().expect("a simulated bus");
    terminal.join(&server);
    println!("bench: enrolling (10 people; hanako with one key, taro with five)");
    server.add_person("hanako", "Demo Hanako", "en");
    server.add_person("taro", "Demo Taro", "en");
    (1..=8).for_each(|n| server.add_person(&format!("person{n}"), "Demo", "en"));

    let keys: Vec<_> = (1..=5).map(|n| SoftKey::start(&format!("key{n}"))).collect();
    let (key, others) = keys.split_last().expect("five keys");
    let mut peers_of_taro = Vec::new();
    for other in others {
        terminal.plug(other);
        terminal.enroll(&server, "taro");
        peers_of_taro.push(peer::register(bus));
        terminal.unplug();
    }
    terminal.plug(key);
    terminal.enroll(&server, "taro");
    terminal.enroll_again(&server, "hanako");
    peers_of_taro.push(peer::register(bus));
    let peers_of_hanako = vec![peer::register(bus)];
    let few: Vec<_> = (1..=8).map(|n| format!("person{n}")).collect();
    let map = |names: &[String]| {
        let mut lines: Vec<(String, &[String])> =
            names.iter().map(|n| (n.clone(), peers_of_hanako.as_slice())).collect();
        lines.push(("hanako".into(), &peers_of_hanako));
        lines.push(("taro".into(), &peers_of_taro));
        peer::install(lines);
    };
    map(&few);

    let environment = bus.environment();
    let pairs = |what: &str, user: &str| {
        let (mut ours, mut theirs) = (Figures::default(), Figures::default());
        for round in 0..=PAIRS {
            let pair = [
                one(Side::Ours, user, key, &environment),
                one(Side::PamU2f, user, key, &environment),
            ];
            // The first pair warms up.
            if round > 0 {
                let [our, their] = pair;
                ours.add(our);
                theirs.add(their);
            }
        }
        println!("bench: {what}: {}", Figures::compare(&ours, &theirs));
        (ours, theirs)
    };
    let people_10 = pairs("10 people, one key", "hanako");
    let keys_5 = pairs("10 people, five keys", "taro");
    println!("bench: importing {MANY} people, {MANY_CREDENTIALS} of them with a credential");
    import(&server);
    let started = Instant::now();
    terminal.wait_people((MANY + 10) as u64);
    println!("bench: the terminal has them after {:.1} s", started.elapsed().as_secs_f64());
    map(&(0..MANY).map(|n| format!("many{n:06}")).collect::<Vec<_>>());
    let people_100000 = pairs("100,010 people, one key", "hanako");

    let memory = terminal.agent_memory();
    println!("bench: agent, resident: {:.1} MB", memory as f64 / 1024.0);
    let revocation = revocations(&server, &terminal);
    println!(
        "bench: revocation at the server to refusal at the terminal: median {revocation:.3} s of 10"
    );

    let side = |of: fn(&(Figures, Figures)) -> &Figures| {
        json!({
            "exchanges": {
                "total": of(&people_10).total(),
                "after_pin": of(&people_10).after_pin(),
                "total_keys_5": of(&keys_5).total(),
            },
            "wall_ms": {
                "people_10": of(&people_10).wall_ms(),
                "people_100000": of(&people_100000).wall_ms(),
                "keys_5": of(&keys_5).wall_ms(),
            },
            // What of that the key did not work.
            "own_ms": {
                "people_10": of(&people_10).own_ms(),
                "people_100000": of(&people_100000).own_ms(),
                "keys_5": of(&keys_5).own_ms(),
            },
        })
    };
    let report = json!({
        "ours": side(|pair| &pair.0),
        "pam_u2f": side(|pair| &pair.1),
        "ratios": {
            "people_10": Figures::ratio(&people_10),
            "people_100000": Figures::ratio(&people_100000),
            "keys_5": Figures::ratio(&keys_5),
        },
        "agent_resident_kb": memory,
        "revocation_s": revocation,
        "pairs": PAIRS,
    });
    let folder = paths::checkout().join("target/bench");
    std::fs::create_dir_all(&folder).expect("target/bench");
    let file = folder.join("login.json");
    std::fs::write(&file, serde_json::to_string_pretty(&report).expect("JSON") + "\n")
        .expect("login.json");
    println!("bench: written to {}", file.display());
}

/// 100,000 people, of whom 30,000 have a credential with a public key of its own kind.
fn import(server: &Server) {
    use std::fmt::Write;
    let cose = paths::checkout().join("core/vectors/wardkey-1.json");
    let vectors: serde_json::Value =
        serde_json::from_slice(&std::fs::read(cose).expect("vectors")).expect("JSON");
    let key = login::cose_key_of(&vectors);
    let mut lines = String::new();
    for n in 0..MANY {
        let _ = write!(
            lines,
            r#"{{"login":"many{n:06}","name":"Demo","scopes":["ward3"],"groups":["nurses"]"#
        );
        if n < MANY_CREDENTIALS {
            let id = login::base64url(format!("credential of many{n:06} ..........").as_bytes());
            let _ = write!(lines, r#","credentials":[{{"id":"{id}","public_key":"{key}"}}]"#);
        }
        lines.push_str("}\n");
    }
    std::fs::write("/tmp/people.jsonl", lines).expect("people.jsonl");
    let started = Instant::now();
    server.admin(&["person", "import", "/tmp/people.jsonl", "--reason", "benchmark"]);
    println!("bench: imported in {:.1} s", started.elapsed().as_secs_f64());
}

/// Seconds from the end of the command that disables a person until a login that began then is
/// refused.
fn revocations(server: &Server, terminal: &Terminal) -> f64 {
    let mut seconds = Vec::new();
    for _ in 0..10 {
        let before = terminal.position();
        server.admin(&["person", "disable", "hanako", "--reason", "benchmark"]);
        let started = Instant::now();
        wait_for("the news", Duration::from_secs(60), || {
            (terminal.position() > before).then_some(())
        });
        seconds.push(started.elapsed().as_secs_f64());
        let refused = run(
            Command::new(paths::test_program("wardkey-pamclient")).args([
                "--service",
                wardkey_e2e::terminal::SERVICE,
                "--user",
                "hanako",
                "--answer",
                PIN,
            ]),
            false,
        );
        assert!(!refused.status.success(), "a disabled person got in");
        let before = terminal.position();
        server.admin(&["person", "enable", "hanako", "--reason", "benchmark"]);
        wait_for("the news", Duration::from_secs(60), || {
            (terminal.position() > before).then_some(())
        });
    }
    median(&mut seconds)
}
