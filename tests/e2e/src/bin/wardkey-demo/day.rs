//! What a day brings besides logins: the key says the name, the screen locks when it goes, somebody
//! else goes on, a key is at home and a colleague vouches, a PIN is changed.

use std::time::Duration;

use wardkey_core::code::{Notice, Prompt};
use wardkey_e2e::sessions::stamp;
use wardkey_e2e::terminal::text;
use wardkey_e2e::{Helper, Login, Logind, PIN, SignedIn, SoftKey, peer};

use crate::parts::Parts;
use crate::stage::{Stage, expect, refused_with};

/// The PIN that takes the place of [`PIN`].
pub const NEW_PIN: &str = "314159";
/// What hanako chooses when a colleague vouches.
const CHOSEN: &str = "804153";
/// Logins by a key in these steps.
pub const LOGINS: usize = 6;

/// The numbers of the accounts in the throw-away ward.
const HANAKO: u32 = 2001;
const WARD3: u32 = 2100;

/// Plays the steps; the key has another PIN afterwards.
pub fn play(stage: &mut Stage, parts: &Parts, logind: &Logind) {
    let (Some(hanako), Some(taro)) = (&parts.key, &parts.other) else { return };
    nobody_is_named(stage);
    leaving(stage, parts, hanako, logind);
    somebody_else(stage, parts, (hanako, taro), logind);
    another_pin(stage, parts);
    key_at_home(stage, parts, hanako);
    colleague(stage, parts, (hanako, taro));
}

fn nobody_is_named(stage: &mut Stage) {
    stage.step(
        "名前を入れずにキーを挿しておく: 氏名はキーから分かる",
        "Nobody types a name: the key says whose it is",
        |stage| {
            let ended = stage.run(&Login::at_nobody().answers(&[PIN]));
            expect(ended.is_in(), "refused")?;
            expect(!ended.said(Prompt::NamePrompt), "the name was asked for")?;
            expect(ended.secret_prompts().len() == 1, "not exactly one question")
        },
    );
}

fn leaving(stage: &mut Stage, parts: &Parts, key: &SoftKey, logind: &Logind) {
    stage.step(
        "席を離れてキーを抜く: 画面がすぐにロックされる",
        "The key is pulled out: the session locks at once",
        |stage| {
            let _helper = Helper::start();
            let session = SignedIn::begin(logind, "hanako", HANAKO, "2");
            parts.terminal.wait_signed_in("2");
            let who = parts.terminal.wardkey(&["--lang", stage.words.code(), "who"]);
            stage.show_output(&text(&who.stdout));
            let pulled = stamp();
            parts.terminal.unplug();
            let locked = logind.wait_call("lock 2", pulled, Duration::from_secs(60)) - pulled;
            stage.show(&format!(
                "{} {} ms",
                stage.words.pick("ロックまで", "locked after"),
                locked / 1000
            ));
            parts.terminal.plug(key);
            session.leave();
            Ok(())
        },
    );
}

fn somebody_else(
    stage: &mut Stage,
    parts: &Parts,
    (hanako, taro): (&SoftKey, &SoftKey),
    logind: &Logind,
) {
    stage.step(
        "共用アカウントで別の職員が続ける: 画面はそのまま、担当者だけが替わる",
        "Another person goes on at a shared account: the same desktop, another name on record",
        |stage| {
            let share = ["scope", "share", "ward3", "--scope", "ward3", "--group", "nurses"];
            parts.server.admin(&share);
            parts.terminal.sync();
            let _helper = Helper::start();
            let session = SignedIn::begin(logind, "ward3", WARD3, "7");
            parts.terminal.wait_signed_in("7");
            let pulled = stamp();
            parts.terminal.unplug();
            logind.wait_call("lock 7", pulled, Duration::from_secs(60));
            parts.terminal.wait_who("7", |who| who["locked"].is_u64());
            parts.terminal.plug(taro);
            let unlocking = Login::at("screen-locker", "ward3").with(&["--uid", "2100"]);
            let ended = stage.run(&unlocking.answer(PIN));
            expect(ended.is_in(), "refused")?;
            logind.order("hint 7 no");
            parts.terminal.wait_who("7", |who| who["person"] == "taro");
            let who = parts.terminal.wardkey(&["--lang", stage.words.code(), "who"]);
            stage.show_output(&text(&who.stdout));
            session.leave();
            parts.terminal.unplug();
            parts.terminal.plug(hanako);
            Ok(())
        },
    );
}

fn another_pin(stage: &mut Stage, parts: &Parts) {
    stage.step(
        "窓口で渡されたキーは、本人が PIN を決めるまで使えない",
        "A key from the desk: of no use before its owner has chosen the PIN",
        |stage| {
            let bus = parts.terminal.bus.as_ref().ok_or("no bus")?;
            peer::force_pin_change(bus, 0, PIN);
            refused_with(&stage.run(&Login::of("hanako")), 1207)?;
            stage.show("wardkey key change-pin");
            let changed = parts.terminal.wardkey_in_order(
                &["--lang", stage.words.code(), "key", "change-pin"],
                &format!("{PIN}\n{NEW_PIN}\n{NEW_PIN}\n"),
            );
            stage.show_output(&text(&changed.stdout));
            expect(changed.status.success(), text(&changed.stderr))?;
            refused_with(&stage.run(&Login::of("hanako")), 1203)?;
            expect(stage.run(&Login::of("hanako").answers(&[NEW_PIN])).is_in(), "refused")
        },
    );
}

fn key_at_home(stage: &mut Stage, parts: &Parts, key: &SoftKey) {
    stage.step(
        "キーを家に忘れた: 一時コードで入れる。キーが戻ればコードは使えない",
        "The key is at home: a temporary code lets her in, until the key is back",
        |stage| {
            parts.server.admin(&["scope", "set", "ward3", "--passes", "12h"]);
            let issued = parts.server.admin_json(&[
                "pass",
                "add",
                "hanako",
                "--for",
                "8h",
                "--reason",
                "key at home",
            ]);
            let code = issued["code"].as_str().ok_or("no code")?;
            stage.show("wardkey-server pass add hanako --for 8h --reason 'key at home'");
            parts.terminal.sync();
            parts.terminal.unplug();
            let by_code = stage.run(&Login::of("hanako").answers(&[code]));
            expect(by_code.is_in() && by_code.said(Notice::PassUsed), "refused")?;

            parts.terminal.plug(key);
            expect(
                stage.run(&Login::of("hanako").answers(&[NEW_PIN])).is_in(),
                "refused with the key",
            )?;
            parts.terminal.unplug();
            let again = stage.run(&Login::of("hanako").answers(&[code]));
            parts.terminal.plug(key);
            expect(!again.is_in(), "the code is good still")
        },
    );
}

fn colleague(stage: &mut Stage, parts: &Parts, (hanako, taro): (&SoftKey, &SoftKey)) {
    stage.step(
        "窓口にも頼れない夜: 同僚が自分のキーで保証し、本人は決めたコードで入る",
        "Nobody at the desk: a colleague vouches with a key, and she is in by a code of her own",
        |stage| {
            let rules = ["scope", "set", "ward3", "--vouch-groups", "nurses"];
            parts.server.admin(&rules);
            stage.show("wardkey-server scope set ward3 --vouch-groups nurses");
            parts.terminal.sync();
            parts.terminal.unplug();
            let typed = ["0", CHOSEN, CHOSEN, "key at home", "taro", "hanako", PIN];
            let login = Login::of("hanako").answers(&typed).start();
            login.wait_code(Prompt::VoucherPrompt);
            parts.terminal.plug(taro);
            let ended = login.end();
            stage.show_login(&ended);
            parts.terminal.unplug();
            expect(ended.is_in() && ended.said(Notice::Vouched), "refused")?;

            let later = stage.run(&Login::of("hanako").answers(&[CHOSEN]));
            parts.terminal.plug(hanako);
            expect(later.is_in() && later.said(Notice::VouchUsed), "refused with the code")
        },
    );
}
