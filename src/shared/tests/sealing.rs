//! What a record opens for, whoever has moved it.

use super::super::layout::Layout;
use super::super::memory::Heap;
use super::super::record::Use;
use super::super::region::Region;
use super::super::seal::{Address, SealingKey, Terms};
use super::tier::{key, scope};

#[test]
fn a_record_opens_for_its_own_scope_and_id_only() {
    let layout = Layout::tiny(2, 40);
    let region = Region::new(Heap::new(layout.words()), layout);
    let sealing = SealingKey::new(&[7; 32]);
    let (mine, other) = (scope("a"), scope("b"));
    let terms = Terms { usage: Use::Many, origin: 1, expiry: 2, boot: b"" };
    let (one, two) = (key(1), key(2));
    let address = Address { scope: &mine, key: &one };
    let (name, words) = sealing.seal(address, &terms, b"session").unwrap();
    region.put(name, mine.cell(), &words).unwrap();
    let opens = |address| {
        // Found by the name that it was put under, as if somebody had written another one over it.
        let mut found = region.find(name, mine.cell()).map_err(|_| "lost").unwrap();
        sealing.open(address, b"", &mut found).is_some()
    };
    assert!(opens(address));
    assert!(!opens(Address { key: &two, ..address }));
    assert!(!opens(Address { scope: &other, ..address }));
}
