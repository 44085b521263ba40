//! What others who follow the same specifications come to, and the format as it is now: machines of a fleet and libraries of
//! different releases have to agree on each bit. That the values are right was checked with another implementation.

use blake2::digest::Mac as _;
use cmac::Cmac;
use xaes_256_gcm::Xaes256Gcm;
use xaes_256_gcm::aead::{AeadInOut, KeyInit};
use xaes_256_gcm::aes::Aes256Enc;

use super::super::record::{self, Kind};
use super::super::region::NameCell;
use super::super::scope::{Owner, Scope};
use super::super::seal::{SealingKey, Terms};
use super::samples::key;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// C2SP's two examples.
#[test]
fn xaes_256_gcm() {
    let seal = |key: u8, aad: &[u8]| {
        let mut body = b"XAES-256-GCM".to_vec();
        let nonce = *b"ABCDEFGHIJKLMNOPQRSTUVWX";
        Xaes256Gcm::new(&[key; 32].into()).encrypt_in_place(&nonce.into(), aad, &mut body).unwrap();
        hex(&body)
    };
    assert_eq!(seal(1, b""), "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
    assert_eq!(seal(3, b"c2sp.org/XAES-256-GCM"), "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

/// SP 800-38B's examples for 256 bits.
#[test]
fn cmac_aes_256() {
    const KEY: [u64; 4] =
        [0x603d_eb10_15ca_71be, 0x2b73_aef0_857d_7781, 0x1f35_2c07_3b61_08d7, 0x2d98_10a3_0914_dff4];
    const MESSAGE: [u64; 8] = [
        0x6bc1_bee2_2e40_9f96,
        0xe93d_7e11_7393_172a,
        0xae2d_8a57_1e03_ac9c,
        0x9eb7_6fac_45af_8e51,
        0x30c8_1c46_a35c_e411,
        0xe5fb_c119_1a0a_52ef,
        0xf69f_2445_df4f_9b17,
        0xad2b_417b_e66c_3710,
    ];
    let bytes = |words: &[u64]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let message = bytes(&MESSAGE);
    let expected = [
        (0, "028962f61b7bf89efc6b551f4667d983"),
        (16, "28a7023f452e8f82bd4bf28d8c37c35c"),
        (40, "aaf3d8f1de5640c232f5b169b9c911e6"),
        (64, "e1992190549f6ed5696a2c056c315410"),
    ];
    for (length, answer) in expected {
        let mac = <Cmac<Aes256Enc>>::new_from_slice(&bytes(&KEY)).unwrap();
        assert_eq!(hex(&mac.chain_update(&message[..length]).finalize().into_bytes()), answer, "{length}");
    }
}

/// Whoever changes it changes `layout::FORMAT`, too.
#[test]
fn format_4() {
    let sealing = SealingKey::new(&[7; 32]);
    let owner = Owner { common: None, own: Scope([9; 16]) };
    let terms =
        Terms { kind: Kind::Many, origin: 1, expiry: 2, stamp: 3, number: 4, named: NameCell(1), boot: b"" };
    let name = sealing.name(&key(1));
    let (header, words) = sealing.seal(name, &key(1), &owner, &terms, b"session").unwrap();
    assert_eq!(super::super::layout::FORMAT, 4);
    assert_eq!(name.0, [0x5b69_1909_5ae0_bd69, 0x9cdd_e3de_90ca_3fce]);
    assert_eq!(hex(&header.nonce), "ce3fca90dee3dd9c69bd0300000000000400000000000000");
    assert_eq!(
        hex(&record::body(&words[record::HEADER..], header.length)),
        "96795de115911db71734bc79536631314ac8a30af765ea9c76b85d550badf7b256240e76e27985cd786fbc1ec29c129eb24a7ef09b097f"
    );
    let clear: Vec<u8> = words[..record::HEADER].iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_eq!(
        hex(&clear),
        "37000909f37e015e69bde05a0919695bce3fca90dee3dd9c010000000000000002000000000000000100030000000000ce3fca90dee3dd9c69bd0300000000000400000000000000"
    );
    assert_eq!(sealing.tag(), 32499);
}
