//! The steps of the demo, in order.

use std::process::Command;
use std::time::{Duration, Instant};

use wardkey_core::code::{Notice, Prompt};
use wardkey_e2e::audit::{self, Record};
use wardkey_e2e::login::{Ended, Login};
use wardkey_e2e::process::wait_for;
use wardkey_e2e::server::{Server, URL};
use wardkey_e2e::terminal::{SERVICE, text};
use wardkey_e2e::{Logind, PIN, Rsyslog, SoftKey, Terminal, paths};

use crate::day;
use crate::parts::Parts;
use crate::stage::{Stage, expect, refused_with};

/// Short, so that the demo can wait for the expiry; 15 minutes by default.
const HEAD_SECONDS: u64 = 6;

/// Plays everything.
pub fn play(stage: &mut Stage) {
    let _rsyslog = Rsyslog::start();
    let logind = (!stage.hardware).then(Logind::start);
    let Some(mut parts) = set_up(stage) else {
        stage.stop();
        return;
    };
    logins(stage, &mut parts);
    parts.other = keys_that_fail(stage, &parts);
    revocation(stage, &parts);
    offline(stage, &mut parts);
    local_and_broken(stage, &mut parts);
    if let Some(logind) = &logind {
        day::play(stage, &parts, logind);
    }
    records(stage);
}

fn set_up(stage: &mut Stage) -> Option<Parts> {
    let server = stage.step(
        "サーバーを起動する（SQLite、TLS、使い捨てのフォルダー）",
        "The server starts (SQLite, TLS, throw-away folder)",
        |stage| {
            let server = match stage.hardware {
                true => Server::start_for_any_key(HEAD_SECONDS),
                false => Server::start(HEAD_SECONDS),
            };
            server.add_person(
                "hanako",
                stage.words.pick("デモ 花子", "Demo Hanako"),
                stage.words.code(),
            );
            server.add_person(
                "taro",
                stage.words.pick("デモ 太郎", "Demo Taro"),
                stage.words.code(),
            );
            stage.show(&format!("wardkey-server init, run: {URL}"));
            Ok(server)
        },
    )?;
    let terminal = stage.step(
        "この端末をサーバーに参加させる",
        "This machine joins as a terminal",
        |stage| {
            let terminal =
                if stage.hardware { Terminal::start_with_hardware() } else { Terminal::start() };
            // Of the software key it is known that it will not be touched.
            let (touch, key) = if stage.hardware { (30, 60) } else { (5, 8) };
            let waits = format!("touch_seconds = {touch}\nkey_wait_seconds = {key}\n");
            let waits = format!("{waits}name_from = \"key\"\n");
            Terminal::configure_module(&format!("language = \"{}\"\n{waits}", stage.words.code()));
            let token = server.join_token();
            stage.show(&format!(
                "wardkey join --server {URL} --token {}…",
                token.get(..16).unwrap_or_default()
            ));
            let output = terminal.wardkey(&[
                "--lang",
                stage.words.code(),
                "join",
                "--server",
                URL,
                "--token",
                &token,
                "--name",
                "ward3-a",
            ]);
            stage.show_output(&text(&output.stdout));
            expect(output.status.success(), text(&output.stderr))?;
            terminal.wait_synced();
            Ok(terminal)
        },
    )?;
    let key = stage.step(
        "職員のセキュリティキーを、一回限りのコードで登録する",
        "A person's security key is enrolled with a one-time code",
        |stage| {
            let code = server.enrollment_code("hanako");
            stage.show(&format!("wardkey-server code issue hanako: {code}"));
            if stage.hardware {
                let status = Command::new(paths::binary("wardkey"))
                    .args(["--lang", stage.words.code(), "enroll", "--code", &code])
                    .status()
                    .map_err(|error| error.to_string())?;
                expect(status.success(), "enroll")?;
                terminal.sync();
                return Ok(None);
            }
            let key = SoftKey::start("hanako");
            terminal.plug(&key);
            let output = terminal.wardkey_in_order(
                &["--lang", stage.words.code(), "enroll", "--code", &code, "--label", "blue"],
                &format!("{PIN}\n{PIN}\n"),
            );
            stage.show_output(&text(&output.stdout));
            expect(output.status.success(), "enroll")?;
            terminal.sync();
            Ok(Some(key))
        },
    )?;
    Some(Parts { server, terminal, key, other: None })
}

fn logins(stage: &mut Stage, parts: &mut Parts) {
    stage.step(
        "正しい PIN とタッチ: ログインできる",
        "Right PIN and touch: in",
        |stage| {
            let ended = login(stage, "hanako", &[]);
            expect(ended.is_in(), "refused")?;
            expect(ended.secret_prompts().len() == 1, "not exactly one question")?;
            expect(
                ended.env("WARDKEY_PERSON").as_deref() == Some("hanako"),
                "the person is not named",
            )
        },
    );
    stage.step(
        "PIN の間違い: 残り回数が分かる",
        "Wrong PIN: refused, with the tries left",
        |stage| {
            let ended = if stage.hardware {
                stage.note(
                    "わざと間違った PIN を入力してください。",
                    "Type a wrong PIN on purpose.",
                );
                login(stage, "hanako", &[])
            } else {
                stage.run(&Login::of("hanako").answers(&["000000"]))
            };
            refused_with(&ended, 1203)?;
            expect(
                stage.hardware || ended.texts().iter().any(|text| text.contains('7')),
                "the tries left are not told",
            )
        },
    );
    stage.step("もう一度、正しい PIN", "The right PIN again", |stage| {
        expect(login(stage, "hanako", &[]).is_in(), "refused")
    });
    stage.step(
        "キーなしで始めて、あとから挿す",
        "No key at first, then it is inserted",
        |stage| {
            if stage.hardware {
                stage.note(
                    "キーを抜いて Enter を押し、案内が出たら挿してください。",
                    "Pull the key out and press Enter; insert it when asked to.",
                );
                let _ = std::io::stdin().read_line(&mut String::new());
                return expect(login(stage, "hanako", &[]).is_in(), "refused");
            }
            parts.terminal.unplug();
            let running = Login::of("hanako").start();
            running.wait_code(Prompt::InsertKey);
            stage.note("（ここでキーを挿す）", "(the key is inserted now)");
            parts.terminal.plug(parts.key.as_ref().ok_or("no key")?);
            let ended = running.end();
            stage.show_login(&ended);
            expect(ended.is_in(), "refused")
        },
    );
}

/// Taro's key.
fn keys_that_fail(stage: &mut Stage, parts: &Parts) -> Option<SoftKey> {
    let key = parts.key.as_ref()?;
    let terminal = &parts.terminal;
    let other = stage.step(
        "別の人のキー: 断られ、そのキーの PIN の回数は減らない",
        "Another person's key: refused, and no try of its PIN is spent",
        |stage| {
            let other = SoftKey::start("taro");
            terminal.unplug();
            terminal.plug(&other);
            terminal.enroll(&parts.server, "taro");
            other.reset_exchanges();
            let ended = stage.run(&Login::of("hanako").answers(&["000000"]));
            let asked = other.exchanges().requests.len();
            refused_with(&ended, 1001)?;
            let info = terminal.wardkey(&["key", "info", "--json"]);
            let tries = tries_left(&text(&info.stdout));
            stage.show(&format!("{asked} CTAP requests, none with a PIN; tries left: {tries:?}"));
            expect(tries == Some(8), format!("tries left: {tries:?} {}", text(&info.stdout)))?;
            terminal.unplug();
            terminal.plug(key);
            Ok(other)
        },
    );
    stage.step(
        "タッチされない: 時間切れで終わり、キーは使える状態に戻る",
        "A touch that never comes: ends in time, and the key is free again",
        |stage| {
            key.touch("never");
            let ended = stage.run(&Login::of("hanako"));
            key.touch("always");
            refused_with(&ended, 1209)?;
            expect(login(stage, "hanako", &[]).is_in(), "refused afterwards")
        },
    );
    other
}

fn revocation(stage: &mut Stage, parts: &Parts) {
    stage.step(
        "サーバーでキーを無効にする: 端末はすぐに断る",
        "The key is disabled at the server: refused at the terminal at once",
        |stage| {
            let fingerprint = parts.server.key_of("hanako");
            let before = parts.terminal.position();
            parts.server.admin(&["key", "disable", &fingerprint, "--reason", "lost"]);
            let disabled = Instant::now();
            wait_for("the news", Duration::from_secs(60), || {
                (parts.terminal.position() > before).then_some(())
            });
            let seconds = disabled.elapsed().as_secs_f64();
            stage.show(&format!("wardkey-server key disable {fingerprint}"));
            stage.show(&format!(
                "{} {seconds:.3} s",
                stage.words.pick("端末に届くまで", "known at the terminal after")
            ));
            let ended = login(stage, "hanako", &[]);
            refused_with(&ended, 1005)?;
            // A terminal that is not told looks for itself much later than that.
            expect(seconds < 10.0, "it was not told at once")?;
            parts.server.admin(&["key", "enable", &fingerprint, "--reason", "found"]);
            parts.terminal.sync();
            expect(login(stage, "hanako", &[]).is_in(), "refused after the key was enabled again")
        },
    );
}

fn offline(stage: &mut Stage, parts: &mut Parts) {
    stage.step(
        "サーバーが止まり、署名の期限が切れても、ログインできる（オフラインの表示つき）",
        "Server stopped, heads expired: still in, with the offline banner",
        |stage| {
            parts.server.stop();
            stage.note(
                "サーバーを止めて、期限切れを待つ",
                "(the server is stopped; waiting for the expiry)",
            );
            std::thread::sleep(Duration::from_secs(HEAD_SECONDS + 2));
            let ended = login(stage, "hanako", &[]);
            expect(ended.is_in(), "refused")?;
            let banner = ended.said(Notice::OfflineBanner);
            parts.server.resume();
            expect(banner, "no offline banner")
        },
    );
}

fn local_and_broken(stage: &mut Stage, parts: &mut Parts) {
    let local = || Login::at(SERVICE, "localadmin").answer("emergency");
    stage.step(
        "登録されたローカル管理者: Wardkey は関与しない",
        "A listed local account: Wardkey leaves it alone",
        |stage| {
            let ended = stage.run(&local());
            expect(ended.is_in(), "refused")?;
            expect(ended.codes().is_empty(), "Wardkey said something")
        },
    );
    stage.step(
        "エージェントが落ちている: 職員は断られ、ローカル管理者は入れる",
        "Agent killed: staff refused, the local administrator is in",
        |stage| {
            parts.terminal.kill_agent();
            let staff = stage.run(&Login::of("hanako"));
            let administrator = stage.run(&local());
            parts.terminal.start_agent();
            expect(
                staff.result("authenticate").as_deref() == Some("PAM_AUTHINFO_UNAVAIL"),
                "staff: not AUTHINFO_UNAVAIL",
            )?;
            expect(!staff.is_in(), "staff got in")?;
            expect(staff.secret_prompts().is_empty(), "a PIN was asked for")?;
            expect(administrator.is_in(), "the administrator was refused")
        },
    );
}

fn records(stage: &mut Stage) {
    stage.step(
        "すべての記録（本物の rsyslog が書いたもの）",
        "The records of all this, as a real rsyslog wrote them",
        |stage| {
            let successes = if stage.hardware { 5 } else { 6 + day::LOGINS };
            let counted = |records: &[Record], outcome: &str| {
                records.iter().filter(|r| r.get("outcome").is_some_and(|o| o == outcome)).count()
            };
            wait_for("the records", Duration::from_secs(60), || {
                (counted(&audit::records_of("login"), "success") >= successes).then_some(())
            });
            for line in audit::lines().iter().filter(|line| line.contains(" schema=")) {
                stage.show(line);
            }
            let logins = audit::records_of("login");
            let (success, failure) = (counted(&logins, "success"), counted(&logins, "failure"));
            stage.show(&format!("login: {success} success, {failure} failure"));
            expect(
                success == successes,
                format!("{success} successes recorded, {successes} expected"),
            )?;
            for record in
                logins.iter().filter(|record| record.get("outcome").is_some_and(|o| o == "success"))
            {
                let is = |field: &str, value: &str| record.get(field).is_some_and(|v| v == value);
                expect(
                    (is("person", "hanako") || is("person", "taro"))
                        && is("up", "1")
                        && is("uv", "1")
                        && is("evidence", "signed"),
                    format!("{record:?}"),
                )?;
            }
            // Read once: a heartbeat may come at any moment.
            let all = audit::records();
            let ids: std::collections::BTreeSet<_> =
                all.iter().filter_map(|record| record.get("id")).collect();
            expect(ids.len() == all.len(), "an event was recorded twice")?;
            let everything = audit::lines().join("\n");
            expect(
                [PIN, day::NEW_PIN, "000000"].iter().all(|pin| !everything.contains(pin)),
                "a PIN is in the records",
            )
        },
    );
}

/// A login of `user` by the key that is plugged.
fn login(stage: &Stage, user: &str, arguments: &[&str]) -> Ended {
    if !stage.hardware {
        return stage.run(&Login::of(user).with(arguments));
    }
    // The person types and touches; messages and prompts go straight to the terminal.
    let ended = Login::at(SERVICE, user).with(arguments).interactive();
    stage.show_login(&ended);
    ended
}

fn tries_left(json: &str) -> Option<u64> {
    fn find(value: &serde_json::Value) -> Option<u64> {
        match value {
            serde_json::Value::Object(fields) => fields
                .get("pin_tries")
                .and_then(serde_json::Value::as_u64)
                .or_else(|| fields.values().find_map(find)),
            serde_json::Value::Array(items) => items.iter().find_map(find),
            _ => None,
        }
    }
    find(&serde_json::from_str(json).ok()?)
}
