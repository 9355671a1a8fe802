//! s3-local
