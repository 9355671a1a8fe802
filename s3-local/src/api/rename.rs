//! `RenameObject` of directory buckets, which the S3 service does not know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Extensions, HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use s3s::dto::{ETag, ETagCondition};
use s3s::route::S3Route;
use s3s::{Body, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::convert::{read_condition, write_condition};
use crate::Operation;
use crate::access::{Access, access_denied};
use crate::catalog::{Catalog, Renaming};
use crate::query::has_parameter;

/// Source and target of a rename.
type Keys = (String, String);

/// Route of renames.
#[derive(Debug)]
pub(crate) struct Renames {
    catalog: Arc<Catalog>,
    access: Access,
    /// Renames that were carried out, by the client's token: a repetition changes nothing.
    done: Mutex<HashMap<String, Keys>>,
}

impl Renames {
    pub(crate) fn new(catalog: Arc<Catalog>, access: Access) -> Renames {
        Renames {
            catalog,
            access,
            done: Mutex::default(),
        }
    }

    fn rename(&self, uri: &Uri, headers: &HeaderMap) -> S3Result<()> {
        let (bucket, key) = place(uri);
        let source = text(headers, "x-amz-rename-source").unwrap_or_default();
        let source = decoded(source.trim_start_matches('/'));
        if source.is_empty() || source.ends_with('/') || key.ends_with('/') {
            return Err(s3_error!(
                InvalidRequest,
                "RenameObject needs keys that do not end in a slash"
            ));
        }
        let token = text(headers, "x-amz-client-token").map(str::to_owned);
        let keys = (source, key);
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        match token.as_ref().and_then(|token| done.get(token)) {
            Some(known) if *known == keys => return Ok(()),
            Some(_) => {
                let code = S3ErrorCode::Custom("IdempotencyParameterMismatch".into());
                let mut error = S3Error::with_message(code, "the token is of another request");
                error.set_status_code(http::StatusCode::BAD_REQUEST);
                return Err(error);
            }
            None => {}
        }
        let condition = |name| etag_condition(text(headers, name));
        let renaming = Renaming {
            source: &keys.0,
            on_source: read_condition(
                condition("x-amz-rename-source-if-match"),
                condition("x-amz-rename-source-if-none-match"),
                None,
                None,
            ),
            key: &keys.1,
            on_target: write_condition(condition("if-match"), condition("if-none-match")),
        };
        self.catalog.rename_object(&bucket, &renaming)?;
        if let Some(token) = token {
            done.insert(token, keys);
        }
        Ok(())
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn place(uri: &Uri) -> (String, String) {
    let path = uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (decoded(bucket), decoded(key))
}

fn etag_condition(value: Option<&str>) -> Option<ETagCondition> {
    let value = value?;
    Some(match value {
        "*" => ETagCondition::Any,
        etag => ETagCondition::ETag(ETag::Strong(etag.trim_matches('"').to_owned())),
    })
}

#[async_trait::async_trait]
impl S3Route for Renames {
    fn is_match(&self, method: &Method, uri: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        let query = uri.query().unwrap_or_default();
        *method == Method::PUT && has_parameter(query, "renameObject")
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        let credentials = request.credentials.as_ref().ok_or_else(access_denied)?;
        let (bucket, _) = place(&request.uri);
        let operation = Operation::RenameObject;
        self.access
            .check_directory(operation, Some(credentials), &bucket, &request.headers)
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        self.rename(&request.uri, &request.headers)?;
        Ok(S3Response::new(Body::empty()))
    }
}
