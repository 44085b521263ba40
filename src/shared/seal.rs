//! Sealing: XAES-256-GCM over a session's DER and its owner, with all that it is found by as associated data.
//!
//! So a record opens only for the id that it was sealed for, at the times that it tells, and says truly whose it is: whoever
//! can write to the region can neither read nor forge nor redirect one.
//!
//! Names are a CMAC by the same cipher: processors have instructions for it. Where one has none, portable code does the same in
//! more time, which for AES does not depend on what it works on, and for GHASH does not on processors that multiply in constant time.

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{InnerInit as _, Mac as _};
use cmac::Cmac;
use xaes_256_gcm::Xaes256Gcm;
use xaes_256_gcm::aead::{AeadInOut, KeyInit};
use xaes_256_gcm::aes::Aes256Enc;
use zeroize::Zeroizing;

use super::index::Name;
use super::nonces;
use super::record::{self, Header, Kind, Reach, Tags};
use super::region::{Found, NameCell};
use super::scope::{OWNER, Owner};
use crate::base::secret::Secret;
use crate::cache::SessionKey;

pub(super) const KEY: usize = 32;

/// One key of the ring: for the names of records, and for their bodies.
pub(super) struct SealingKey {
    naming: Aes256Enc,
    cipher: Xaes256Gcm,
    /// What its records say of it.
    tag: u16,
}

impl SealingKey {
    pub(super) fn new(master: &[u8; KEY]) -> SealingKey {
        let derive = |purpose: &[u8]| {
            let mac = <Blake2bMac<U32>>::new_from_slice(master).ok()?;
            Some(Zeroizing::new(<[u8; KEY]>::from(mac.chain_update(purpose).finalize().into_bytes())))
        };
        // A key of this length always fits.
        let (name, body) = (derive(b"sesscache name 2"), derive(b"sesscache body 2"));
        let (name, body) = (name.unwrap_or_default(), body.unwrap_or_default());
        let naming = Aes256Enc::new((&*name).into());
        let tag = derive(b"sesscache tag 2").unwrap_or_default();
        let tag = tag.first_chunk().map_or(0, |two| u16::from_le_bytes(*two));
        SealingKey { naming, cipher: Xaes256Gcm::new((&*body).into()), tag }
    }

    /// The name of the record of this session, under this key. The scope is no part of it: whoever ends a session need not
    /// know in which it was made, and a record of another scope does not open.
    pub(super) fn name(&self, session: &SessionKey) -> Name {
        let mac = Cmac::inner_init(&self.naming);
        let hash = mac
            .chain_update(session.version().to_le_bytes())
            .chain_update(session.id())
            .finalize()
            .into_bytes();
        Name(words(&hash.into()))
    }

    pub(super) fn tag(&self) -> u16 {
        self.tag
    }

    /// A record of this session, whose name under this key is `name`, ready to be published. The DER is no longer than `DER_MAX`.
    /// `None` if the cipher refuses it.
    pub(super) fn seal(
        &self,
        name: Name,
        session: &SessionKey,
        owner: &Owner,
        terms: &Terms<'_>,
        der: &[u8],
    ) -> Option<(Header, Vec<u64>)> {
        // Under another one nobody would ever find it.
        debug_assert!(name == self.name(session));
        // What is nobody's in common is of no use to other machines, and what may be used once has to be where it is counted.
        let is_wide = owner.common.is_some() && terms.kind == Kind::Many;
        let reach = if is_wide { Reach::Wide } else { Reach::Home };
        let header = Header {
            name,
            kind: terms.kind,
            reach,
            tags: Tags { key: self.tag, owner: owner.cells().map(|cell| cell.0), name: terms.named.0 },
            origin: terms.origin,
            expiry: terms.expiry,
            stamp: terms.stamp,
            nonce: nonces::nonce(name, terms.stamp, terms.number),
            length: der.len() + OWNER + record::TAG,
        };
        let aad = associated(session, &header, terms.boot);
        let mut body = Vec::with_capacity(header.length);
        body.extend(der);
        body.extend(owner.bytes());
        self.cipher.encrypt_in_place(&header.nonce.into(), &aad, &mut body).ok()?;
        Some((header, record::assemble(&header, &body)))
    }

    /// Whose the record is that was found, and the DER in it; then only its header is left. `None` if it does not open.
    pub(super) fn open(
        &self,
        session: &SessionKey,
        boot: &[u8],
        found: &mut Found,
    ) -> Option<(Owner, Secret)> {
        let aad = associated(session, &found.header, boot);
        self.cipher.decrypt_in_place(&found.header.nonce.into(), &aad, &mut found.body).ok()?;
        let mut body = Secret::new(std::mem::take(&mut found.body));
        let owner = Owner::of(body.last_chunk()?);
        let length = body.len() - OWNER;
        body.truncate(length);
        Some((owner, body))
    }
}

/// On which terms a session is shared.
pub(super) struct Terms<'a> {
    pub(super) kind: Kind,
    pub(super) origin: i64,
    pub(super) expiry: i64,
    /// When it is made, in milliseconds since the epoch.
    pub(super) stamp: u64,
    /// No other record has it: see `Nonces`.
    pub(super) number: u64,
    /// Of the operator's name for the scope.
    pub(super) named: NameCell,
    /// Names this run of the system: a session for single use does not outlive it.
    pub(super) boot: &'a [u8],
}

fn associated(session: &SessionKey, header: &Header, boot: &[u8]) -> Vec<u8> {
    let id = session.id();
    let mut data = Vec::with_capacity(128);
    data.extend(super::layout::FORMAT.to_le_bytes());
    data.extend(session.version().to_le_bytes());
    data.extend((id.len() as u64).to_le_bytes());
    data.extend(id);
    data.extend(header.origin.to_le_bytes());
    data.extend(header.expiry.to_le_bytes());
    data.extend(header.stamp.to_le_bytes());
    data.push(header.kind as u8);
    if header.kind == Kind::Single {
        data.extend(boot);
    }
    data
}

fn words(hash: &[u8; 16]) -> [u64; 2] {
    let mut words = [0; 2];
    words.iter_mut().zip(hash.as_chunks().0).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
    words
}
