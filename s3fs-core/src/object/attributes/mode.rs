//! Modes as text.
//!
//! s3fs-fuse writes `st_mode` in decimal (`33188`; for new folders without their type, `493`).
//! rclone writes octal (`100644`), and people write permissions (`644`). Both tools read a leading
//! zero, `0100644`, as octal, so modes are written like that here.

use super::kind::FileKind;

/// Bits of `st_mode` that are not the type.
const PERMISSIONS: u16 = 0o7777;

/// Permission bits that every kind of file has.
const PLAIN: u16 = 0o777;

/// Mode as parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    /// Kind of the file; `None` if there are no type bits.
    pub(super) kind: Option<FileKind>,
    pub(super) permissions: u16,
}

/// Writer of a mode without a leading zero, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModeWriter {
    /// Written by s3fs-fuse.
    S3fs,
    Unknown,
}

impl Mode {
    /// Parses a mode in the base that makes most sense; `None` if neither does.
    pub(super) fn read(text: &str, writer: ModeWriter) -> Option<Self> {
        // Some parsers take a sign.
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let octal = || u16::from_str_radix(text, 8).ok().and_then(Self::from_bits);
        if text.starts_with('0') {
            return octal();
        }
        let decimal = text.parse().ok().and_then(Self::from_bits);
        match decimal {
            Some(mode) if writer == ModeWriter::S3fs || mode.is_plain_decimal() => Some(mode),
            doubtful => octal().or(doubtful),
        }
    }

    fn from_bits(bits: u16) -> Option<Self> {
        let kinds = [
            FileKind::File,
            FileKind::Dir,
            FileKind::Symlink,
            FileKind::Fifo,
            FileKind::Socket,
        ];
        let is_it = |kind: &FileKind| type_bits(*kind) == bits & !PERMISSIONS;
        let kind = kinds.into_iter().find(is_it);
        let is_device = kind.is_none() && bits & !PERMISSIONS != 0;
        (!is_device).then_some(Self {
            kind,
            permissions: bits & PERMISSIONS,
        })
    }

    /// Returns whether it is decimal, regardless of the writer. `4755` is a set-user-ID program and
    /// not a pipe with a sticky bit; `42755` is a folder and not a link; `644` are permissions.
    fn is_plain_decimal(self) -> bool {
        match self.kind {
            Some(FileKind::Fifo) => self.permissions & !PLAIN == 0,
            Some(FileKind::Symlink) => self.permissions == PLAIN,
            Some(FileKind::File | FileKind::Dir | FileKind::Socket) => true,
            None => false,
        }
    }
}

/// Formats a mode; `None` if there is nothing to store.
pub(super) fn write(kind: Option<FileKind>, permissions: Option<u16>) -> Option<String> {
    let usual = match kind {
        // The key says as much.
        None | Some(FileKind::File | FileKind::Dir) => None,
        Some(FileKind::Symlink) => Some(0o777),
        Some(FileKind::Fifo | FileKind::Socket) => Some(0o644),
    };
    let permissions = permissions.or(usual)? & PERMISSIONS;
    Some(format!("0{:o}", kind.map_or(0, type_bits) | permissions))
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
    use super::FileKind::{Dir, Fifo, File, Socket, Symlink};
    use super::*;

    fn check(writer: ModeWriter, cases: &[(&str, Option<FileKind>, u16)]) {
        for (text, kind, permissions) in cases {
            let expected = Mode {
                kind: *kind,
                permissions: *permissions,
            };
            let read = Mode::read(text, writer);
            assert_eq!(read, Some(expected), "{text} by {writer:?}");
        }
    }

    #[test]
    fn decimal_and_octal_modes_are_told_apart() {
        check(
            ModeWriter::Unknown,
            &[
                ("33188", Some(File), 0o644),
                ("100644", Some(File), 0o644),
                ("0100664", Some(File), 0o664),
                ("35309", Some(File), 0o4755),
                ("102754", Some(File), 0o2754),
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
                ("493", None, 0o755),
                ("511", None, 0o511),
                ("0", None, 0),
            ],
        );
    }

    #[test]
    fn what_s3fs_wrote_is_decimal_but_for_what_can_only_be_octal() {
        check(
            ModeWriter::S3fs,
            &[
                ("493", None, 0o755),
                ("511", None, 0o777),
                ("1023", None, 0o1777),
                ("41471", Some(Symlink), 0o777),
                ("5028", Some(Fifo), 0o1644),
                ("4755", Some(Fifo), 0o1223),
                ("0644", None, 0o644),
                ("0100644", Some(File), 0o644),
                ("100644", Some(File), 0o644),
            ],
        );
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
            "99999",
            "0888",
            "200000",
            "060660",
            "020666",
            "99999999999999999999",
        ] {
            assert_eq!(Mode::read(text, ModeWriter::Unknown), None, "{text}");
        }
    }

    #[test]
    fn modes_are_written_in_octal_with_a_zero_and_their_type() {
        let written = |kind, mode| write(kind, mode).unwrap();
        assert_eq!(written(Some(File), Some(0o644)), "0100644");
        assert_eq!(written(Some(Dir), Some(0o755)), "040755");
        assert_eq!(written(Some(Symlink), None), "0120777");
        assert_eq!(written(None, Some(0o4755)), "04755");
        assert_eq!(write(Some(File), None), None);
        assert_eq!(write(Some(Dir), None), None);
    }
}
