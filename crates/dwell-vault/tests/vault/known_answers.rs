//! The primitives against Project Wycheproof's vectors, with the counts asserted: a set that silently shrank would
//! test nothing.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use wycheproof::{TestResult, aead, hkdf as hkdf_set};

#[test]
fn aes_256_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut run = 0;
    for group in &set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in &group.tests {
            run += 1;
            let cipher = Aes256Gcm::new_from_slice(&test.key).unwrap();
            let nonce = Nonce::try_from(&test.nonce[..]).unwrap();
            let tag = Tag::try_from(&test.tag[..]).unwrap();
            let mut sealed = test.pt.to_vec();
            let made = cipher.encrypt_inout_detached(&nonce, &test.aad, (&mut sealed[..]).into()).unwrap();
            let mut opened = test.ct.to_vec();
            let result = cipher.decrypt_inout_detached(&nonce, &test.aad, (&mut opened[..]).into(), &tag);
            match test.result {
                TestResult::Valid | TestResult::Acceptable => {
                    assert_eq!((&sealed[..], &made[..]), (&test.ct[..], &test.tag[..]), "{}", test.tc_id);
                    assert!(result.is_ok() && opened == test.pt[..], "{}", test.tc_id);
                }
                TestResult::Invalid => assert!(result.is_err(), "{}", test.tc_id),
            }
        }
    }
    assert_eq!(run, 66);
}

#[test]
fn hkdf_sha256() {
    let set = hkdf_set::TestSet::load(hkdf_set::TestName::HkdfSha256).unwrap();
    let mut run = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        run += 1;
        let mut okm = vec![0; test.size];
        let result = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        match test.result {
            TestResult::Valid | TestResult::Acceptable => {
                assert!(result.is_ok() && okm == test.okm[..], "{}", test.tc_id);
            }
            TestResult::Invalid => assert!(result.is_err(), "{}", test.tc_id),
        }
    }
    assert_eq!(run, 86);
}
