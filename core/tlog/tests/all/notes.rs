//! Signed notes and checkpoints: those of others, our own, and what the specifications refuse.

use base64ct::{Base64, Encoding as _};
use ed25519_dalek::Signer as _;
use wardkey_tlog::{
    Checkpoint, Hash, KeyError, KeyName, Kind, MAX_SIGNATURES, Note, NoteError, Signer, Verifier,
};

/// From the specification of signed notes (c2sp.org/signed-note, "Example").
const FOO: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const FOO_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj\
    OBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
/// From the documentation of Go's golang.org/x/mod/sumdb/note.
const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NEUMANN_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb\
    6KE6RyyBwJnAM=\n";
/// The key of Go's checksum database.
const GO: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
/// From the specification of checkpoints (c2sp.org/tlog-checkpoint); its key is not published.
const CHECKPOINT: &str = "example.com/behind-the-sofa\n20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn key(text: &str) -> Verifier {
    Verifier::parse(text).unwrap()
}

#[test]
fn notes_of_others_are_verified_by_their_keys() {
    for (of, note) in [(FOO, FOO_NOTE), (NEUMANN, NEUMANN_NOTE)] {
        let note = Note::parse(note.as_bytes()).unwrap();
        let by = key(of);
        assert_eq!(by.to_string(), of);
        let opened = note.open(&[key(GO), by.clone()]).unwrap();
        assert_eq!(opened.text(), note.unverified());
        assert_eq!(opened.by(), [(by.name(), None)]);
        assert_eq!(note.open(&[key(GO)]), Err(NoteError::Unknown));
    }
    assert_eq!(Note::parse(FOO_NOTE.as_bytes()).unwrap().to_string(), FOO_NOTE);
}

#[test]
fn a_changed_note_or_signature_is_refused() {
    for (from, to) in [("example message", "other message"), ("Uw2QOkn8", "Uw2QOln8")] {
        let changed = FOO_NOTE.replace(from, to);
        assert_ne!(changed, FOO_NOTE);
        let note = Note::parse(changed.as_bytes()).unwrap();
        assert_eq!(note.open(&[key(FOO)]), Err(NoteError::Invalid(name("example.com/foo"))));
    }
    // Another id or name is another key.
    for (from, to) in [("Uw2QOkn8", "Uw2QO0n8"), ("— example.com/foo", "— example.com/bar")] {
        let changed = FOO_NOTE.replace(from, to);
        assert_ne!(changed, FOO_NOTE);
        let note = Note::parse(changed.as_bytes()).unwrap();
        assert!(note.open(&[key(FOO)]).is_err());
    }
    // One that does not hold is not made good by another one that does.
    let line = FOO_NOTE.split("\n\n").nth(1).unwrap();
    let twice = format!("{FOO_NOTE}{}", line.replace("n8srV1", "n8srV2"));
    let note = Note::parse(twice.as_bytes()).unwrap();
    assert_eq!(note.open(&[key(FOO)]), Err(NoteError::Invalid(name("example.com/foo"))));
}

#[test]
fn what_is_no_note_is_refused() {
    let line = FOO_NOTE.split("\n\n").nth(1).unwrap();
    for wrong in [
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\n\n",
        line,
        &format!("\n{line}"),
        &format!("text\n{line}"),
        &format!("text\n\n{}", line.trim_end()),
        &format!("text\n\n{line}\n"),
        &format!("text\n\n{}", line.replacen("— ", "- ", 1)),
        &format!("text\n\n{}", line.replacen("— ", "—  ", 1)),
        &format!("text\n\n{}", line.replacen("example.com/foo", "example+foo", 1)),
        &format!("text\n\n{}", line.replacen("example.com/foo", "example\u{3000}foo", 1)),
        &format!("text\n\n{}", line.replacen("aQM=", "aQM", 1)),
        // Bits that mean nothing must be zero.
        &format!("text\n\n{}", line.replacen("aQM=", "aQN=", 1)),
        &format!("text\n\n{}", line.replacen("aQM=", "aQM= x", 1)),
        "text\n\n— name AAAAAA==\n",
        &format!("text\r\n\n{line}"),
        &format!("te\txt\n\n{line}"),
        &format!("text\n\n{}", line.repeat(MAX_SIGNATURES + 1)),
    ] {
        assert!(Note::parse(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
    assert!(Note::parse(b"text\xff\n\n").is_err());
    for good in [
        format!("text\n\n{}", line.repeat(MAX_SIGNATURES)),
        format!("one\n\ntwo\n\n{line}"),
        format!("\n\n{line}"),
        "text\n\n— name AAAAAAA=\n".to_owned(),
    ] {
        assert!(Note::parse(good.as_bytes()).is_ok(), "{good:?}");
    }
    let signer = Signer::new(name("a"), &[1; 32]);
    assert_eq!(Note::sign("no end", &signer), Err(NoteError::Malformed));
    assert_eq!(Note::sign("a\tb\n", &signer), Err(NoteError::Malformed));
}

#[test]
fn what_is_no_verifier_key_is_refused() {
    for (wrong, why) in [
        (FOO.replacen("530d903a", "530d903b", 1), KeyError::Id),
        (FOO.replacen("530d903a", "530D903A", 1), KeyError::Id),
        (FOO.replacen("example.com/foo", "example.com/bar", 1), KeyError::Id),
        (FOO.replacen("example.com/foo", "", 1), KeyError::Name),
        (FOO.replacen("example.com/foo", "example com", 1), KeyError::Name),
        (FOO.replacen("+Aeky", "+Auky", 1), KeyError::Kind),
        (FOO.replacen("v3U2k", "v3U", 1), KeyError::Text),
        ("example.com/foo+530d903a+AQ==".to_owned(), KeyError::Public),
        ("example.com/foo+530d903a+".to_owned(), KeyError::Text),
        ("example.com/foo+530d903a".to_owned(), KeyError::Text),
    ] {
        assert_eq!(Verifier::parse(&wrong), Err(why), "{wrong}");
    }
}

#[test]
fn our_own_checkpoint_is_read_back() {
    let signer = Signer::new(name("example.org/log"), &[7; 32]);
    let root = Hash::of_entry(b"one");
    let checkpoint = Checkpoint::new("example.org/log", 1, root).unwrap();
    let note = checkpoint.sign(&signer).unwrap().to_string();
    let read = Note::parse(note.as_bytes()).unwrap();
    let by = Verifier::parse(&signer.verifier().to_string()).unwrap();
    let opened = read.open(std::slice::from_ref(&by)).unwrap();
    assert_eq!(Checkpoint::parse(opened.text()), Ok(checkpoint));
    let renamed = by.named(name("example.org/other"));
    assert_eq!(read.open(&[renamed]), Err(NoteError::Unknown));
    assert!(!format!("{signer:?}").contains("07070707"));
}

#[test]
fn a_checkpoint_is_the_text_of_the_specification_and_nothing_else() {
    let read = Checkpoint::parse(CHECKPOINT).unwrap();
    assert_eq!((read.origin(), read.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(read.to_string(), CHECKPOINT);
    let more = format!("{CHECKPOINT}one\ntwo\n");
    let read = Checkpoint::parse(&more).unwrap();
    assert_eq!((read.extensions().len(), read.to_string()), (2, more));
    for (from, to) in [
        ("example.com/behind-the-sofa\n", "\n"),
        ("example.com/behind-the-sofa\n", ""),
        ("20852163", "020852163"),
        ("20852163", "+20852163"),
        ("20852163", "-1"),
        ("20852163", ""),
        ("20852163", "20852163 "),
        ("20852163", "18446744073709551616"),
        ("CsUY", "CsU"),
        ("CsUY", ""),
        ("q2I=\n", "q2J=\n"),
        ("q2I=\n", "q2I=\n\n"),
        ("q2I=\n", "q2I=\n\nmore\n"),
        ("q2I=\n", "q2I="),
    ] {
        let wrong = CHECKPOINT.replacen(from, to, 1);
        assert_ne!(wrong, CHECKPOINT);
        assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?}");
    }
    assert!(Checkpoint::parse("a\n0\n").is_err());
    for origin in ["", "two\nlines"] {
        assert!(Checkpoint::new(origin, 0, Hash::of_nothing()).is_err());
    }
}

#[test]
fn a_cosignature_says_its_time_and_signs_it() {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let witness = name("witness.example/w1");
    let by = Verifier::new(witness.clone(), Kind::Cosignature, secret.verifying_key().as_bytes())
        .unwrap();
    let signed = |message: &str, time: u64| {
        let mut bytes = Vec::new();
        let id = by.to_string();
        let id = id.split('+').nth(1).unwrap();
        bytes.extend((0..8).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()));
        bytes.extend(time.to_be_bytes());
        bytes.extend(secret.sign(message.as_bytes()).to_bytes());
        let text = Base64::encode_string(&bytes);
        format!("{CHECKPOINT}\n— {witness} {text}\n")
    };
    let opened = |note: &str| {
        let note = Note::parse(note.as_bytes()).unwrap();
        note.open(std::slice::from_ref(&by)).map(|opened| opened.by().to_vec().len())
    };
    let message = format!("cosignature/v1\ntime 1679315147\n{CHECKPOINT}");
    let note = signed(&message, 1_679_315_147);
    let read = Note::parse(note.as_bytes()).unwrap();
    let time = read.open(std::slice::from_ref(&by)).unwrap().by()[0].1;
    assert_eq!(time, Some(1_679_315_147));
    let refused = Err(NoteError::Invalid(witness.clone()));
    assert_eq!(opened(&signed(&message, 1_679_315_148)), refused);
    // The signature of a log is no cosignature.
    assert_eq!(opened(&signed(CHECKPOINT, 1_679_315_147)), refused);
    let late = format!("cosignature/v1\ntime {}\n{CHECKPOINT}", u64::MAX);
    assert_eq!(opened(&signed(&late, u64::MAX)), refused);
    let as_a_log =
        Verifier::new(witness, Kind::Ed25519, secret.verifying_key().as_bytes()).unwrap();
    assert_eq!(read.open(&[as_a_log]), Err(NoteError::Unknown));
}
