//! What a record opens for, whoever has moved it.

use super::super::layout::Layout;
use super::super::memory::Heap;
use super::super::record::Kind;
use super::super::region::{Found, NameCell, Region};
use super::super::scope::Owner;
use super::super::seal::{SealingKey, Terms};
use super::samples::{key, owner};
use crate::cache::SessionKey;

#[test]
fn a_record_opens_for_its_own_id_only_and_says_whose_it_is() {
    let layout = Layout::tiny(2, 40);
    let region = Region::new(Heap::new(layout.words()), layout, NameCell(1));
    let sealing = SealingKey::new(&[7; 32]);
    let terms =
        Terms { kind: Kind::Many, origin: 1, expiry: 2, stamp: 3, number: 4, named: NameCell(1), boot: b"" };
    let private = Owner { common: None, ..owner("a") };
    for whose in [owner("a"), owner("b"), private] {
        let (header, words) =
            sealing.seal(sealing.name(&key(1)), &key(1), &whose, &terms, b"session").unwrap();
        region.put(&header, whose.cells(), &words).unwrap();
        // Found by the name that it was put under, as if somebody had written another one over it.
        let open = |key: &SessionKey| {
            sealing.open(key, b"", &mut region.find(header.name, Ok).map_err(|_| "lost").unwrap())
        };
        let (told, der) = open(&key(1)).unwrap();
        assert_eq!((told, &der[..]), (whose, &b"session"[..]));
        assert!(open(&key(2)).is_none());
    }
}

#[test]
fn what_its_header_says_cannot_be_changed() {
    type Change = fn(&mut Found);
    let changes: [(Kind, Change, &[u8]); 8] = [
        (Kind::Many, |found| found.header.expiry += 1, b"boot"),
        (Kind::Many, |found| found.header.origin += 1, b"boot"),
        (Kind::Many, |found| found.header.stamp += 1, b"boot"),
        (Kind::Many, |found| found.header.kind = Kind::Single, b"boot"),
        (Kind::Single, |found| found.header.kind = Kind::Many, b"boot"),
        (Kind::Single, |found| found.header.nonce[0] ^= 1, b"boot"),
        (Kind::Single, |found| found.body[0] ^= 1, b"boot"),
        // A session for single use is not for another run of the system.
        (Kind::Single, |_| {}, b"other"),
    ];
    let layout = Layout::tiny(2, 40);
    let sealing = SealingKey::new(&[7; 32]);
    let (owner, key) = (owner("a"), key(1));
    for (number, (kind, change, boot)) in changes.into_iter().enumerate() {
        let region = Region::new(Heap::new(layout.words()), layout, NameCell(1));
        let terms =
            Terms { kind, origin: 1, expiry: 2, stamp: 3, number: 4, named: NameCell(1), boot: b"boot" };
        let (header, words) = sealing.seal(sealing.name(&key), &key, &owner, &terms, b"session").unwrap();
        region.put(&header, owner.cells(), &words).unwrap();
        let find = || region.find(header.name, Ok).map_err(|_| "lost").unwrap();
        let (mut whole, mut changed) = (find(), find());
        change(&mut changed);
        assert_eq!(sealing.open(&key, b"boot", &mut whole).unwrap().1[..], b"session"[..]);
        assert!(sealing.open(&key, boot, &mut changed).is_none(), "{number}");
        // One for many uses is.
        assert_eq!(sealing.open(&key, b"other", &mut find()).is_some(), kind == Kind::Many);
    }
}
