//! Assertions that are changed on their way from the key to the decision.

use wardkey_core::code::Code;
use wardkey_firmware_tests::directory::{Directory, Signed};
use wardkey_firmware_tests::enrollment::Enrolled;
use wardkey_firmware_tests::plugged::{EDDSA, ES256, Plugged, RP};

#[test]
fn no_bit_of_an_assertion_can_be_changed() {
    for algorithm in [ES256, EDDSA] {
        let mut plugged = Plugged::with_pin();
        let enrolled = Enrolled::read(&plugged.make(RP, 2, algorithm).unwrap());
        let directory = Directory::of(vec![enrolled.record(RP)]);
        let login = directory.client_data(1);
        let honest = Signed::from(&plugged.assert(&enrolled.id, &login.to_bytes()).unwrap());
        directory.decide(&login, honest.clone()).unwrap();
        let fields: [fn(&mut Signed) -> &mut Vec<u8>; 4] = [
            |signed| &mut signed.authenticator_data,
            |signed| &mut signed.signature,
            |signed| &mut signed.credential_id,
            |signed| signed.user_handle.as_mut().unwrap(),
        ];
        for field in fields {
            let length = field(&mut honest.clone()).len();
            for bit in 0..length * 8 {
                // One of each byte's, another one in each.
                if bit % 9 != 0 {
                    continue;
                }
                let mut changed = honest.clone();
                field(&mut changed)[bit / 8] ^= 1 << (bit % 8);
                assert!(directory.decide(&login, changed).is_err(), "bit {bit} of {length} bytes");
            }
            let mut longer = honest.clone();
            field(&mut longer).push(0);
            assert!(directory.decide(&login, longer).is_err());
        }
        let mut shorter = honest.clone();
        shorter.authenticator_data.truncate(36);
        assert_eq!(directory.decide(&login, shorter).unwrap_err().code, Code::AuthenticatorData);
    }
}
