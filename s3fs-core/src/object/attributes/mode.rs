//! Modes as text: s3fs-fuse writes `st_mode` in decimal (`33188`), rclone in octal (`100644`), and
//! people write permissions (`644`).

use super::FileKind;

/// The bits of `st_mode` that are no type.
const PERMISSIONS: u16 = 0o7777;

/// Those of them that every kind of file has.
const PLAIN: u16 = 0o777;

/// A mode as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    /// Nothing if it has no type bits.
    pub(super) kind: Option<FileKind>,
    pub(super) permissions: u16,
}

impl Mode {
    /// Reads a mode in whichever base makes one of it; nothing if neither does.
    pub(super) fn read(text: &str) -> Option<Self> {
        // Some parsers take a sign.
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let octal = || u16::from_str_radix(text, 8).ok().and_then(Self::from_bits);
        let decimal = text.parse().ok().and_then(Self::with_kind);
        match decimal.filter(|_| !text.starts_with('0')) {
            Some(mode) if mode.is_plausible() => Some(mode),
            doubtful => octal().or(doubtful),
        }
    }

    fn from_bits(bits: u16) -> Option<Self> {
        if bits & !PERMISSIONS == 0 {
            let permissions = bits;
            return Some(Self {
                kind: None,
                permissions,
            });
        }
        Self::with_kind(bits)
    }

    fn with_kind(bits: u16) -> Option<Self> {
        let kinds = [
            FileKind::File,
            FileKind::Dir,
            FileKind::Symlink,
            FileKind::Fifo,
            FileKind::Socket,
        ];
        let kind = kinds
            .into_iter()
            .find(|kind| type_bits(*kind) == bits & !PERMISSIONS)?;
        Some(Self {
            kind: Some(kind),
            permissions: bits & PERMISSIONS,
        })
    }

    /// Whether somebody would write this in decimal: `4755` is a program that runs as its owner and
    /// no pipe with a sticky bit, `42755` a folder and no link.
    fn is_plausible(self) -> bool {
        match self.kind {
            Some(FileKind::Fifo) => self.permissions & !PLAIN == 0,
            Some(FileKind::Symlink) => self.permissions == PLAIN,
            _ => true,
        }
    }
}

/// A mode as s3fs-fuse has it; nothing if there is nothing to say.
pub(super) fn write(kind: Option<FileKind>, permissions: Option<u16>) -> Option<String> {
    let permissions = match (kind.unwrap_or(FileKind::File), permissions) {
        // Links have no others, and pipes no more: else they would be read as something else.
        (FileKind::Symlink, _) => PLAIN,
        (FileKind::Fifo, permissions) => permissions.unwrap_or(0o644) & PLAIN,
        (FileKind::Socket, permissions) => permissions.unwrap_or(0o644),
        // The key says as much.
        (FileKind::File | FileKind::Dir, permissions) => permissions?,
    };
    let bits = type_bits(kind.unwrap_or(FileKind::File)) | (permissions & PERMISSIONS);
    Some(bits.to_string())
}

fn type_bits(kind: FileKind) -> u16 {
    match kind {
        FileKind::Fifo => 0o010_000,
        FileKind::Dir => 0o040_000,
        FileKind::File => 0o100_000,
        FileKind::Symlink => 0o120_000,
        FileKind::Socket => 0o140_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Option<FileKind>, u16)> {
        Mode::read(text).map(|mode| (mode.kind, mode.permissions))
    }

    #[test]
    fn decimal_and_octal_modes_are_told_apart() {
        use FileKind::{Dir, Fifo, File, Socket, Symlink};
        for (text, kind, permissions) in [
            ("33188", Some(File), 0o644),
            ("100644", Some(File), 0o644),
            ("0100664", Some(File), 0o664),
            ("35309", Some(File), 0o4755),
            ("104755", Some(File), 0o4755),
            ("16877", Some(Dir), 0o755),
            ("17407", Some(Dir), 0o1777),
            ("40755", Some(Dir), 0o755),
            ("41777", Some(Dir), 0o1777),
            ("42755", Some(Dir), 0o2755),
            ("41471", Some(Symlink), 0o777),
            ("120777", Some(Symlink), 0o777),
            ("4516", Some(Fifo), 0o644),
            ("4968", Some(Fifo), 0o1550),
            ("10644", Some(Fifo), 0o644),
            ("49645", Some(Socket), 0o755),
            ("140755", Some(Socket), 0o755),
            ("644", None, 0o644),
            ("0644", None, 0o644),
            ("1777", None, 0o1777),
            ("4755", None, 0o4755),
            ("7777", None, 0o7777),
            ("0", None, 0),
        ] {
            assert_eq!(read(text), Some((kind, permissions)), "{text}");
        }
    }

    #[test]
    fn what_is_no_mode_is_none() {
        for text in [
            "",
            "-1",
            "+644",
            "rwx",
            "0x1a4",
            "6 44",
            "999",
            "200000",
            "60660",
            "20666",
            "99999999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn modes_are_written_in_decimal_with_their_type() {
        let written = |kind, mode| write(kind, mode).unwrap();
        assert_eq!(written(Some(FileKind::File), Some(0o644)), "33188");
        assert_eq!(written(None, Some(0o755)), "33261");
        assert_eq!(written(Some(FileKind::Symlink), None), "41471");
        assert_eq!(write(Some(FileKind::File), None), None);
        assert_eq!(write(Some(FileKind::Dir), None), None);
    }
}
