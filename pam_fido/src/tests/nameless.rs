//! Nobody has said who logs in: whose key is it?

use std::sync::Mutex;
use std::time::{Duration, Instant};

use wardkey_core::code::{Code, Prompt};
use wardkey_core::codec::List;
use wardkey_core::directory::leaf_key;
use wardkey_core::id::{CredentialId, Hash};
use wardkey_core::message::agent::{
    Candidate, Candidates, Grant, Reply as AgentReply, Request as AgentRequest,
};
use wardkey_core::message::key::{Claim, KeyInfo, Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;
use wardkey_testkit::{Deployment, Key, T0, login, person};

use super::scene::*;
use crate::login::{WhoseKey, whose_key};
use crate::typed_name::TypedName;
use crate::world::World;

/// What came of looking, and what was said and asked for it.
struct Looked {
    whose: WhoseKey,
    agent: Vec<AgentRequest>,
    key: Vec<KeyRequest>,
    person: Person,
    journal: Vec<String>,
}

impl Looked {
    fn of(mut scene: Scene) -> Self {
        let (journal, anchor) = (Lines::default(), Deployment::new().anchor());
        let world = World {
            talk: &mut scene.person,
            sockets: &mut Both { agent: &mut scene.agent, key: &mut scene.key },
            machine: &scene.machine,
            journal: &journal,
            settings: &scene.settings,
            timeouts: scene.timeouts,
            anchor: &anchor,
        };
        let whose = whose_key(world, &scene.login);
        let looked = Self {
            whose,
            agent: scene.agent.heard.lock().unwrap().clone(),
            key: scene.key.heard.lock().unwrap().clone(),
            person: scene.person,
            journal: journal.0.into_inner().unwrap(),
        };
        // Whatever comes of it: no question, no PIN, nothing held, nothing recorded, no name said.
        assert!(looked.person.questions.is_empty() && looked.person.errors.is_empty());
        let asserted = looked.key.iter().any(|it| matches!(it, KeyRequest::Assert(_)));
        let beyond =
            |it: &AgentRequest| matches!(it, AgentRequest::Hold | AgentRequest::Outcome(_));
        assert!(!asserted && !looked.agent.iter().any(beyond));
        let said = format!("{:?} {:?}", looked.person.infos, looked.journal);
        assert!(!said.to_lowercase().contains("hanako") && !said.contains("taro"), "{said}");
        looked
    }

    fn is_not_here(&self) -> bool {
        matches!(self.whose, WhoseKey::NotHere(_))
    }
}

fn of(name: &str) -> WhoseKey {
    WhoseKey::Of(login(name))
}

fn hash_of(name: &str) -> Hash {
    leaf_key(&login(name))
}

fn candidate(name: &str, id: u8) -> Candidate {
    Candidate { person: login(name), credential: CredentialId::new(vec![id; 32]).unwrap() }
}

/// hanako has key 1, taro key 2.
fn two_people() -> Deployment {
    let mut deployment = Deployment::new();
    deployment.scopes[1].0.people.push(person("taro", 2, &Key::es256(2)));
    deployment.refresh();
    deployment
}

fn says(keys: Vec<Candidate>) -> AgentReply {
    let candidates = List::new(keys).unwrap();
    AgentReply::Candidates(Box::new(Candidates { candidates, more: None }))
}

fn nobody_named(deployment: &Deployment) -> AgentReply {
    let grant = Grant { finds_people: Some(true), ..grant_of(deployment.evidence("_")) };
    AgentReply::Granted(Box::new(grant))
}

/// A terminal where these people were seen, the latest first; the agent names these keys.
fn scene_of(deployment: &Deployment, seen: &[&str], keys: Vec<Candidate>) -> Scene {
    let mut scene = Scene::of(deployment);
    scene.person = Person::default();
    scene.login.name = TypedName::NotYet;
    for name in seen.iter().rev() {
        scene.machine.marks.lock().unwrap().remember(hash_of(name), UnixTime(T0));
    }
    let begun = nobody_named(deployment);
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(begin) => {
            assert_eq!(begin.account, None);
            vec![Act::Say(begun.clone())]
        }
        AgentRequest::KeysOf(_) => vec![Act::Say(says(keys.clone()))],
        _ => vec![],
    });
    scene
}

/// hanako and taro were seen here; hanako's key is plugged in.
fn usual() -> Scene {
    let keys = vec![candidate("taro", 2), candidate("hanako", 1)];
    scene_of(&two_people(), &["taro", "hanako"], keys)
}

#[test]
fn a_key_of_somebody_seen_here_says_the_name_and_no_more() {
    let looked = Looked::of(usual());
    assert_eq!(looked.whose, of("hanako"));
    assert!(looked.person.infos.is_empty());
    let [AgentRequest::Begin(_), AgentRequest::KeysOf(people), AgentRequest::Prove(name)] =
        &looked.agent[..]
    else {
        panic!("{:?}", looked.agent)
    };
    assert_eq!(people.to_vec(), [hash_of("taro"), hash_of("hanako")]);
    assert_eq!(*name, login("hanako"));
}

#[test]
fn nobody_is_looked_for_who_was_never_here_whatever_the_agent_says() {
    let keys = vec![candidate("stranger", 9), candidate("taro", 2), candidate("hanako", 1)];
    let looked = Looked::of(scene_of(&two_people(), &["taro", "hanako"], keys));
    assert_eq!(looked.whose, of("hanako"));
    let [KeyRequest::Identify(first), KeyRequest::Identify(others)] = &looked.key[..] else {
        panic!("{:?}", looked.key)
    };
    let ids = |allow: &[CredentialId]| allow.iter().map(|id| id.as_slice()[0]).collect::<Vec<_>>();
    assert_eq!(ids(&first.allow), [2, 1]);
    assert!(first.every && first.more.is_none());
    // Whether the key is somebody else's, too.
    assert_eq!((ids(&others.allow), others.wait_ms), (vec![2], 0));
}

#[test]
fn a_key_of_nobody_seen_here_names_nobody() {
    // The agent names her all the same.
    for keys in [vec![candidate("taro", 2)], vec![candidate("hanako", 1), candidate("taro", 2)]] {
        let looked = Looked::of(scene_of(&two_people(), &["taro"], keys));
        assert_eq!(looked.whose, WhoseKey::NotTold);
        assert_eq!(looked.key.len(), 1);
        assert!(looked.person.infos.is_empty(), "a key is there: the name is asked for at once");
    }
}

#[test]
fn what_is_not_proven_names_nobody() {
    // A device that only says so; then the real key is plugged in, or nothing.
    for real in [true, false] {
        let mut scene = usual();
        let asked = Mutex::new(None);
        scene.key_instead(move |_, request| match request {
            KeyRequest::Identify(identify) if identify.allow.len() == 2 => {
                *asked.lock().unwrap() = Some(request.clone());
                vec![Act::Say(claims(request, 66, 1))]
            }
            KeyRequest::PassOver(_) if real => {
                vec![Act::Say(identified(asked.lock().unwrap().as_ref().unwrap(), 1))]
            }
            _ => vec![],
        });
        let looked = Looked::of(scene);
        assert_eq!(looked.whose, if real { of("hanako") } else { WhoseKey::NotTold });
        assert_eq!(looked.journal.len(), 1, "a line for who administers the terminal");
    }
    // The agent says that hanako's key is taro's, or of somebody who does not exist.
    for named in ["taro", "ghost"] {
        let scene = scene_of(&two_people(), &["taro", "ghost"], vec![candidate(named, 1)]);
        assert_eq!(Looked::of(scene).whose, WhoseKey::NotTold, "{named}");
    }
}

#[test]
fn a_device_that_claims_without_end_is_not_followed() {
    let mut scene = usual();
    let asked = Mutex::new(None);
    scene.key_instead(move |_, request| {
        if matches!(request, KeyRequest::Identify(_)) {
            *asked.lock().unwrap() = Some(request.clone());
        }
        vec![Act::Say(claims(asked.lock().unwrap().as_ref().unwrap(), 66, 1))]
    });
    let looked = Looked::of(scene);
    assert_eq!(looked.whose, WhoseKey::NotTold);
    // The last one to leave it alone may be unread.
    assert!((16..=17).contains(&looked.key.len()), "{}", looked.key.len());
    assert_eq!(looked.journal.len(), 1);
}

#[test]
fn a_key_of_two_people_names_neither() {
    let mut scene = usual();
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(identify) => {
            let id = identify.allow[0].as_slice()[0];
            vec![Act::Say(identified(request, id))]
        }
        _ => vec![],
    });
    assert_eq!(Looked::of(scene).whose, WhoseKey::NotTold);
}

#[test]
fn beside_another_device_no_key_says_the_name() {
    // hanako's key claims; the other device says nothing of itself, or that it is taro's.
    for claims_too in [false, true] {
        let mut scene = usual();
        scene.key_instead(move |_, request| match request {
            KeyRequest::Identify(_) => {
                let KeyReply::Identified(mut first) = identified(request, 1) else {
                    unreachable!()
                };
                let KeyReply::Identified(second) = identified(request, 2) else { unreachable!() };
                let key = KeyInfo { path: "/dev/hidraw1".into(), ..second.key };
                let claim = Claim { key, proof: second.proof.unwrap() };
                first.others = claims_too.then(|| List::new(vec![claim]).unwrap());
                first.alone = None;
                vec![Act::Say(KeyReply::Identified(first))]
            }
            other => panic!("{other:?}"),
        });
        let looked = Looked::of(scene);
        assert_eq!(looked.whose, WhoseKey::NotTold);
        assert!(looked.person.infos.is_empty() && looked.key.len() == 1);
    }
}

#[test]
fn a_key_is_waited_for_a_moment_and_then_the_name_is_asked_for() {
    let told = texts::message(Prompt::InsertOrWait, Language::En, &[]);
    for comes in [true, false] {
        let mut scene = usual();
        scene.settings.key_wait = Duration::from_secs(60);
        scene.timeouts = if comes { LONG } else { SHORT };
        let most = scene.timeouts.before_name.as_millis();
        scene.key_instead(move |_, request| match request {
            KeyRequest::Identify(identify) if identify.wait_ms > 0 => {
                assert!(u128::from(identify.wait_ms) <= most, "{}", identify.wait_ms);
                let mut acts = vec![Act::Say(KeyReply::Insert), Act::Sleep(100)];
                acts.push(Act::Say(KeyReply::Insert));
                if comes {
                    acts.push(Act::Say(identified(request, 1)));
                }
                acts
            }
            _ => vec![],
        });
        let begun = Instant::now();
        let looked = Looked::of(scene);
        assert_eq!(looked.whose, if comes { of("hanako") } else { WhoseKey::NotTold });
        assert_eq!(looked.person.infos, std::slice::from_ref(&told));
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }
}

#[test]
fn another_login_has_the_key_and_the_name_is_asked_for() {
    let mut scene = usual();
    let begun = nobody_named(&two_people());
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => vec![Act::Say(begun.clone())],
        AgentRequest::KeysOf(_) => {
            vec![Act::Say(says(vec![candidate("hanako", 1)])), Act::Say(AgentReply::Wait)]
        }
        _ => vec![],
    });
    scene.key_instead(|_, request| match request {
        KeyRequest::Identify(_) => vec![Act::Sleep(200)],
        _ => vec![],
    });
    assert_eq!(Looked::of(scene).whose, WhoseKey::NotTold);
}

#[test]
fn an_agent_that_dribbles_delays_the_question_for_the_name_by_seconds_only() {
    // Whatever it dribbles at: each message comes in time, the answer never.
    let dribble = || -> Vec<Act<AgentReply>> {
        (0..2000).flat_map(|_| [Act::Sleep(40), Act::Say(AgentReply::Held)]).collect()
    };
    for at_proof in [false, true] {
        let mut scene = usual();
        scene.agent_instead(move |_, request| match request {
            AgentRequest::Prove(_) if at_proof => dribble(),
            AgentRequest::KeysOf(_) if !at_proof => dribble(),
            _ => vec![],
        });
        scene.timeouts = SHORT;
        let begun = Instant::now();
        let looked = Looked::of(scene);
        assert!(!matches!(looked.whose, WhoseKey::Of(_)), "{:?}", looked.whose);
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }
}

#[test]
fn any_scope_may_have_the_name_asked_for() {
    for scope in [0, 1] {
        let mut deployment = two_people();
        deployment.scopes[scope].1.ask_name = Some(true);
        deployment.refresh();
        let scene = scene_of(&deployment, &["hanako"], vec![candidate("hanako", 1)]);
        let looked = Looked::of(scene);
        assert!(looked.is_not_here(), "{:?}", looked.whose);
        // Nobody is looked for, and no key is asked anything.
        assert!(matches!(&looked.agent[..], [AgentRequest::Begin(_)]) && looked.key.is_empty());
    }
}

#[test]
fn where_it_cannot_be_found_out_nothing_is_asked() {
    type Change = fn(&mut Scene);
    let cases: [(&str, Change); 5] = [
        ("nobody was seen here", |scene| scene.machine.marks = Mutex::default()),
        ("not root's program", |scene| scene.machine.is_root = false),
        ("notices are not shown", |scene| scene.person.silent = true),
        ("marks cannot be read", |scene| scene.machine.marks_broken = true),
        ("no agent", |scene| scene.agent.down_from = 0),
    ];
    for (what, change) in cases {
        let mut scene = usual();
        change(&mut scene);
        let looked = Looked::of(scene);
        assert!(looked.is_not_here(), "{what}: {:?}", looked.whose);
        assert!(looked.agent.is_empty() && looked.key.is_empty(), "{what}");
        assert!(looked.person.infos.is_empty(), "{what}");
    }
}

#[test]
fn what_refuses_everybody_or_is_broken_has_the_name_asked_for() {
    type Change = fn(&mut Scene);
    let cases: [(&str, Change); 6] = [
        ("an older agent", |scene| {
            let deployment = two_people();
            scene.agent_instead(move |_, request| match request {
                AgentRequest::Begin(_) => vec![Act::Say(granted(&deployment, "_"))],
                AgentRequest::KeysOf(_) => panic!("it does not know that"),
                _ => vec![],
            });
        }),
        ("not joined", |scene| {
            scene.agent_instead(|_, request| match request {
                AgentRequest::Begin(_) => vec![Act::Say(refused(Code::NotJoined))],
                _ => vec![],
            });
        }),
        ("a directory that is too old", |scene| {
            scene.machine.clock.lock().unwrap().realtime = UnixTime(T0 + 30 * 86_400);
        }),
        ("over the network", |scene| scene.login.remote = true),
        ("no key process", |scene| scene.key.down_from = 0),
        ("an answer that does not belong here", |scene| {
            scene.key_instead(|_, _| vec![Act::Say(KeyReply::Touch)]);
        }),
    ];
    for (what, change) in cases {
        let mut scene = usual();
        change(&mut scene);
        let looked = Looked::of(scene);
        assert!(looked.is_not_here(), "{what}: {:?}", looked.whose);
    }
}
