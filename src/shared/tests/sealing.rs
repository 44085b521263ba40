//! What a record opens for, whoever has moved it.

use super::super::layout::Layout;
use super::super::memory::Heap;
use super::super::record::Use;
use super::super::region::{Found, NameCell, Region};
use super::super::seal::{Address, SealingKey, Terms};
use super::tier::{key, scope};

#[test]
fn a_record_opens_for_its_own_scope_and_id_only() {
    let layout = Layout::tiny(2, 40);
    let region = Region::new(Heap::new(layout.words()), layout, NameCell(1));
    let sealing = SealingKey::new(&[7; 32]);
    let (mine, other) = (scope("a"), scope("b"));
    let terms = Terms { usage: Use::Many, origin: 1, expiry: 2, named: NameCell(1), boot: b"" };
    let (one, two) = (key(1), key(2));
    let address = Address { scope: &mine, key: &one };
    let (name, words) = sealing.seal(address, &terms, b"session").unwrap();
    region.put(name, mine.cell(), &words).unwrap();
    let opens = |address| {
        // Found by the name that it was put under, as if somebody had written another one over it.
        let mut found = region.find(name, Ok).map_err(|_| "lost").unwrap();
        sealing.open(address, b"", &mut found).is_some()
    };
    assert!(opens(address));
    // What does not open in one scope is whole for the next.
    let mut found = region.find(name, Ok).map_err(|_| "lost").unwrap();
    assert!(sealing.open(Address { scope: &other, ..address }, b"", &mut found).is_none());
    assert!(sealing.open(address, b"", &mut found).is_some());
    assert!(!opens(Address { key: &two, ..address }));
    assert!(!opens(Address { scope: &other, ..address }));
}

#[test]
fn what_its_header_says_cannot_be_changed() {
    type Change = fn(&mut Found);
    let changes: [(Use, Change, &[u8]); 7] = [
        (Use::Many, |found| found.header.expiry += 1, b"boot"),
        (Use::Many, |found| found.header.origin += 1, b"boot"),
        (Use::Many, |found| found.header.usage = Use::Single, b"boot"),
        (Use::Single, |found| found.header.usage = Use::Many, b"boot"),
        (Use::Single, |found| found.header.nonce[0] ^= 1, b"boot"),
        (Use::Single, |found| found.body[0] ^= 1, b"boot"),
        // A session for single use is not for another run of the system.
        (Use::Single, |_| {}, b"other"),
    ];
    let layout = Layout::tiny(2, 40);
    let sealing = SealingKey::new(&[7; 32]);
    let (scope, key) = (scope("a"), key(1));
    let address = Address { scope: &scope, key: &key };
    for (number, (usage, change, boot)) in changes.into_iter().enumerate() {
        let region = Region::new(Heap::new(layout.words()), layout, NameCell(1));
        let terms = Terms { usage, origin: 1, expiry: 2, named: NameCell(1), boot: b"boot" };
        let (name, words) = sealing.seal(address, &terms, b"session").unwrap();
        region.put(name, scope.cell(), &words).unwrap();
        let find = || region.find(name, Ok).map_err(|_| "lost").unwrap();
        let (mut whole, mut changed) = (find(), find());
        change(&mut changed);
        assert_eq!(sealing.open(address, b"boot", &mut whole).unwrap()[..], b"session"[..]);
        assert!(sealing.open(address, boot, &mut changed).is_none(), "{number}");
        // One for many uses is.
        assert_eq!(sealing.open(address, b"other", &mut find()).is_some(), usage == Use::Many);
    }
}
