//! The S3 operations the server knows, their names and the permission each one needs.

use std::fmt;

macro_rules! operations {
    ($($name:ident => $action:expr, $effect:ident;)*) => {
        /// An S3 operation, named as in the S3 API reference.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Operation {
            $(
                #[doc = concat!("The S3 operation `", stringify!($name), "`.")]
                $name,
            )*
            /// A request that is none of the other operations; the server answers it with an error.
            Other,
        }

        impl Operation {
            /// Every operation, `Other` last.
            pub const ALL: &[Operation] = &[$(Operation::$name,)* Operation::Other];

            /// The operation's name in the S3 API reference.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Operation::$name => stringify!($name),)*
                    Operation::Other => "Other",
                }
            }

            /// The permission a caller needs, such as `s3:GetObject`.
            pub const fn action(self) -> Option<&'static str> {
                match self {
                    $(Operation::$name => $action,)*
                    Operation::Other => None,
                }
            }

            /// Returns whether the operation changes anything in the bucket or the account.
            pub const fn is_write(self) -> bool {
                match self {
                    $(Operation::$name => operations!(@effect $effect),)*
                    Operation::Other => false,
                }
            }
        }
    };
    (@effect reads) => { false };
    (@effect writes) => { true };
}

operations! {
    ListBuckets => Some("s3:ListAllMyBuckets"), reads;
    CreateBucket => Some("s3:CreateBucket"), writes;
    DeleteBucket => Some("s3:DeleteBucket"), writes;
    HeadBucket => Some("s3:ListBucket"), reads;
    GetBucketLocation => Some("s3:GetBucketLocation"), reads;
    ListObjects => Some("s3:ListBucket"), reads;
    ListObjectsV2 => Some("s3:ListBucket"), reads;
    HeadObject => Some("s3:GetObject"), reads;
    GetObject => Some("s3:GetObject"), reads;
    PutObject => Some("s3:PutObject"), writes;
    CopyObject => Some("s3:PutObject"), writes;
    GetObjectTagging => Some("s3:GetObjectTagging"), reads;
    PutObjectTagging => Some("s3:PutObjectTagging"), writes;
    DeleteObjectTagging => Some("s3:DeleteObjectTagging"), writes;
    DeleteObject => Some("s3:DeleteObject"), writes;
    DeleteObjects => Some("s3:DeleteObject"), writes;
    CreateMultipartUpload => Some("s3:PutObject"), writes;
    UploadPart => Some("s3:PutObject"), writes;
    UploadPartCopy => Some("s3:PutObject"), writes;
    CompleteMultipartUpload => Some("s3:PutObject"), writes;
    AbortMultipartUpload => Some("s3:AbortMultipartUpload"), writes;
    ListParts => Some("s3:ListMultipartUploadParts"), reads;
    ListMultipartUploads => Some("s3:ListBucketMultipartUploads"), reads;
    CreateSession => Some("s3express:CreateSession"), reads;
    RenameObject => Some("s3express:CreateSession"), writes;
}

impl Operation {
    /// Returns the operation with this name in the S3 API reference, or `Other`.
    pub(crate) fn from_name(name: &str) -> Operation {
        let known = Operation::ALL
            .iter()
            .find(|operation| operation.name() == name);
        known.copied().unwrap_or(Operation::Other)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Operation;

    #[test]
    fn every_operation_is_found_by_its_name() {
        for &operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), operation);
        }
        assert_eq!(Operation::from_name("PutBucketPolicy"), Operation::Other);
    }
}
