//! What a program or a library says of itself.

use std::fs;
use std::io;
use std::path::Path;

use object::elf::{DF_SYMBOLIC, DT_FLAGS, DT_SYMBOLIC, PT_DYNAMIC, PT_INTERP};
use object::read::elf::{Dyn, ElfFile64, ProgramHeader};
use object::{Endianness, Object, ObjectSymbol};

pub(super) enum File {
    Elf(Elf),
    /// Run by this interpreter.
    Script(String),
    /// Something else: of another kind of machine, say.
    Other,
}

pub(super) struct Elf {
    /// The loader that the program asks for; a static program asks for none.
    pub(super) loader: Option<String>,
    /// libssl's functions are in the file itself.
    pub(super) holds_openssl: bool,
    /// It calls its own functions past whatever stands in front of it.
    pub(super) is_symbolic: bool,
}

pub(super) fn read(path: &Path) -> Result<File, String> {
    let data = contents(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if let Some(rest) = data.strip_prefix(b"#!") {
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return Ok(File::Script(String::from_utf8_lossy(line).trim().to_owned()));
    }
    Ok(parse(&data).map_or(File::Other, File::Elf))
}

/// Of a file that is one: a pipe would have us wait, and a device give no end.
fn contents(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    fs::read(path)
}

fn parse(data: &[u8]) -> Option<Elf> {
    let file = ElfFile64::<Endianness>::parse(data).ok()?;
    let endian = file.endian();
    let mut elf = Elf { loader: None, holds_openssl: false, is_symbolic: false };
    for header in file.elf_program_headers() {
        match header.p_type(endian) {
            PT_INTERP => {
                let text = header.data(endian, data).ok()?.split(|byte| *byte == 0).next()?;
                elf.loader = Some(String::from_utf8_lossy(text).into_owned());
            }
            PT_DYNAMIC => {
                let entries = header.dynamic(endian, data).ok()??;
                elf.is_symbolic = entries.iter().any(|entry| {
                    let (tag, value) = (entry.tag32(endian), entry.d_val(endian));
                    tag == Some(DT_SYMBOLIC) || tag == Some(DT_FLAGS) && value & u64::from(DF_SYMBOLIC) != 0
                });
            }
            _ => {}
        }
    }
    let mut symbols = file.dynamic_symbols().chain(file.symbols());
    elf.holds_openssl = symbols.any(|symbol| symbol.name() == Ok("SSL_CTX_new") && symbol.is_definition());
    Some(elf)
}

/// The version that a libcrypto says it is, such as "3.0.17".
pub(super) fn openssl_version(libcrypto: &Path) -> Option<String> {
    const BEFORE: &[u8] = b"OpenSSL ";
    let data = contents(libcrypto).ok()?;
    let texts = data.windows(BEFORE.len() + 1).enumerate();
    let mut starts =
        texts.filter(|(_, text)| text.starts_with(BEFORE) && text.last().is_some_and(u8::is_ascii_digit));
    let (at, _) = starts.next()?;
    let version = data.get(at + BEFORE.len()..)?.split(|byte| *byte == 0 || *byte == b' ').next()?;
    String::from_utf8(version.to_vec()).ok()
}
