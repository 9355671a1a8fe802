//! Files that are written, without a file system: any sequence of changes against an array of bytes,
//! failures, and what each case costs in requests.

mod buffer;
