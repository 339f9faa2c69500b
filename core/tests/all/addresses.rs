//! What a server says of its addresses.

use wardkey_core::addresses::{MAX_NUMBER, ServerAddresses};
use wardkey_core::codec::List;
use wardkey_core::id::DeploymentId;
use wardkey_core::name::ServerAddress;
use wardkey_testkit::{Deployment, signing};

#[test]
fn only_a_list_that_the_publish_key_signed_for_this_deployment_counts() {
    let root = Deployment::new().root;
    let said = |deployment, number| ServerAddresses {
        deployment,
        number,
        addresses: List::new(vec![ServerAddress::new("https://a:1").unwrap()]).unwrap(),
    };
    let own = said(root.deployment, MAX_NUMBER);
    let good = signing(101).sign(&own);
    assert_eq!(ServerAddresses::verify(&good, &root).unwrap(), own);

    for other in [said(DeploymentId::new([9; 16]), 1), said(root.deployment, MAX_NUMBER + 1)] {
        ServerAddresses::verify(&signing(101).sign(&other), &root).unwrap_err();
    }
    // Another key, and the one that signs root documents alone.
    for seed in [66, 100] {
        ServerAddresses::verify(&signing(seed).sign(&own), &root).unwrap_err();
    }
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        ServerAddresses::verify(&changed, &root).unwrap_err();
    }
    ServerAddresses::verify(&[], &root).unwrap_err();
}
