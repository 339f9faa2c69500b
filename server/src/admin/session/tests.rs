//! What a signature is worth, and for how long, over a store of its own.

use p256::ecdsa::signature::Signer;
use wardkey_core::codec::Bytes;
use wardkey_core::id::CredentialId;

use super::*;
use crate::admin::administrator::{End, NewAdministrator, add};
use crate::admin::role::Role;
use crate::admin::testing::{Deployment, NOW, import_key, login};

/// A signature of the key of [`import_key`], which does not count.
fn signed(challenge: u8) -> SignIn {
    let client_data = vec![challenge; 40];
    let auth_data = [sha256(b"wardkey.test").as_bytes(), &[0x05, 0, 0, 0, 0][..]].concat();
    let message = [&auth_data[..], sha256(&client_data).as_bytes()].concat();
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let signature: p256::ecdsa::Signature = key.sign(&message);
    SignIn {
        assertion: Assertion {
            credential_id: CredentialId::new(vec![9; 32]).unwrap(),
            client_data: Bytes::new(client_data).unwrap(),
            auth_data: Bytes::new(auth_data).unwrap(),
            signature: Bytes::new(signature.to_der().as_bytes().to_vec()).unwrap(),
            user_handle: None,
        },
        challenge: sha256(&[challenge]),
        until: NOW.plus(180),
        address: [192, 0, 2, 1].into(),
    }
}

async fn deployment() -> Deployment {
    let deployment = Deployment::new().await;
    import_key(&deployment, "hanako").await;
    let wanted = NewAdministrator {
        login: login("hanako"),
        role: Role::Owner,
        scopes: Vec::new(),
        end: End::Never,
    };
    deployment.act(async |op| add(op, wanted).await).await.unwrap();
    deployment
}

async fn enter(deployment: &Deployment, asked: &SignIn, now: UnixTime) -> Result<Secret, Code> {
    let rp_id = RpId::new("wardkey.test").unwrap();
    let entered = deployment
        .act(async |op| sign_in(op.tx, (&rp_id, Audience::Administrators), asked, now).await)
        .await;
    match entered.unwrap() {
        Entered::Yes(secret) => Ok(secret),
        Entered::No(error) => Err(error.code()),
    }
}

#[tokio::test]
async fn a_challenge_is_taken_once_and_in_its_time_also_of_a_key_that_does_not_count() {
    let deployment = deployment().await;
    assert!(enter(&deployment, &signed(1), NOW).await.is_ok());
    assert_eq!(enter(&deployment, &signed(1), NOW).await.unwrap_err(), Code::SignInRefused);
    assert!(enter(&deployment, &signed(2), NOW.plus(179)).await.is_ok());
    let late = enter(&deployment, &signed(3), NOW.plus(180)).await;
    assert_eq!(late.unwrap_err(), Code::SignInRefused);
    // What is over is thrown away, and no other: neither is taken again.
    deployment.act(async |op| forget(op.tx, NOW.plus(179)).await).await.unwrap();
    let again = enter(&deployment, &signed(2), NOW.plus(179)).await;
    assert_eq!(again.unwrap_err(), Code::SignInRefused);
}

#[tokio::test]
async fn a_session_is_of_now_and_not_of_a_clock_that_was_ahead() {
    let deployment = deployment().await;
    let secret = enter(&deployment, &signed(1), NOW).await.unwrap();
    let known = async |now| {
        let mut tx = deployment.store.read().await.unwrap();
        known(&mut tx, &secret, now).await.map_err(|error| error.code())
    };
    assert_eq!(known(NOW).await.unwrap().login, login("hanako"));
    assert!(known(NOW.plus(IDLE - 1)).await.is_ok());
    for other in [UnixTime(NOW.0 - 1), NOW.plus(IDLE)] {
        assert_eq!(known(other).await.unwrap_err(), Code::NotSignedIn);
    }
    deployment.act(async |op| forget(op.tx, NOW.plus(IDLE + 1)).await).await.unwrap();
    assert_eq!(known(NOW).await.unwrap_err(), Code::NotSignedIn);
}

#[tokio::test]
async fn the_store_has_no_secret() {
    let deployment = deployment().await;
    let secret = enter(&deployment, &signed(1), NOW).await.unwrap();
    let bytes = read(&secret).unwrap();
    let mut tx = deployment.store.read().await.unwrap();
    let session = web_session::find(&mut tx, &hash(&bytes)).await.unwrap().unwrap();
    assert_ne!(session.hash.as_bytes(), &*bytes);
    for other in ["", "00", &secret[1..], &"0".repeat(64)] {
        let refused = known(&mut tx, other, NOW).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotSignedIn, "{other}");
    }
}
