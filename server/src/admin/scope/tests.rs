//! Rules of a scope.

use super::*;
use crate::admin::testing::{Deployment, scope as named};

#[tokio::test]
async fn what_is_not_given_stays_and_each_part_has_its_row() {
    let deployment = Deployment::new().await;
    let icu = named("icu");
    let before = show(&mut deployment.store.read().await.unwrap(), &icu).await.unwrap();
    let set = async |rules: Rules| deployment.act(async |op| set(op, &icu, rules).await).await;

    let done = set(Rules { soft: Some(60), lockout_threshold: Some(9), ..Rules::default() })
        .await
        .unwrap();
    assert!(done.changed);
    let after = show(&mut deployment.store.read().await.unwrap(), &icu).await.unwrap();
    assert_eq!((after.soft, after.degraded, after.hard), (60, before.degraded, before.hard));
    assert_eq!((after.lockout_threshold, after.lockout_delay), (9, before.lockout_delay));
    assert_eq!(deployment.actions().await[..2], ["scope.lockout", "scope.offline"]);

    assert_eq!(before.on_removal, "lock", "as in every new scope");
    let rules = Rules {
        on_removal: Some(OnRemoval::End),
        session_idle: Some(5),
        session_longest: Some(0),
        ..Rules::default()
    };
    assert!(set(rules).await.unwrap().changed);
    let after = show(&mut deployment.store.read().await.unwrap(), &icu).await.unwrap();
    assert_eq!((after.on_removal.as_str(), after.session_longest), ("end", None));
    assert_eq!(after.session_idle, Some(LEAST_LIMIT));
    assert_eq!(deployment.actions().await[0], "scope.sessions");

    assert!(!before.ask_name, "a key says the name, as long as nobody minds");
    for always in [true, false] {
        let rules = Rules { ask_name: Some(always), ..Rules::default() };
        assert!(set(rules).await.unwrap().changed);
        let after = show(&mut deployment.store.read().await.unwrap(), &icu).await.unwrap();
        assert_eq!(after.ask_name, always);
        assert_eq!(deployment.actions().await[0], "scope.ask-name");
    }

    assert_eq!((before.min_pin_length, before.pin_change_at_first_use), (None, false));
    for (min_length, change_at_first_use, expected) in [
        (Some(6), None, (Some(6), false)),
        (None, Some(true), (Some(6), true)),
        (Some(63), None, (Some(63), true)),
        (Some(0), Some(false), (None, false)),
        (Some(4), Some(true), (Some(4), true)),
    ] {
        let rules = Rules { pin: PinSet { min_length, change_at_first_use }, ..Rules::default() };
        assert!(set(rules).await.unwrap().changed);
        let after = show(&mut deployment.store.read().await.unwrap(), &icu).await.unwrap();
        assert_eq!((after.min_pin_length, after.pin_change_at_first_use), expected);
        assert_eq!(deployment.actions().await[0], "scope.pin");
    }
    for min_length in [3, 64, 255] {
        let pin = PinSet { min_length: Some(min_length), ..PinSet::default() };
        set(Rules { pin, ..Rules::default() }).await.unwrap_err();
    }

    // Not in order; an emergency group that nobody is in; nothing at all.
    set(Rules { soft: Some(before.hard + 1), ..Rules::default() }).await.unwrap_err();
    let groups = Some(vec![GroupName::new("nobody").unwrap()]);
    let done = set(Rules { emergency_groups: groups, ..Rules::default() }).await.unwrap();
    assert_eq!(done.warnings.len(), 1);
    set(Rules::default()).await.unwrap_err();
}
