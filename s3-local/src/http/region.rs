//! Requests signed for another region than the bucket's.

use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::call::Call;
use super::refusal;

const REGION_HEADER: &str = "x-amz-bucket-region";

/// Region whose endpoint also answers for the others, as `s3.amazonaws.com` does.
const GLOBAL: &str = "us-east-1";

/// Returns the response to a request signed for the wrong region.
///
/// A client signs for the region of its endpoint. A regional endpoint answers with a redirect without an
/// address; the global one rejects the signature. Both name the bucket's region.
pub(super) fn wrong_region(call: &Call, bucket_region: &str) -> Option<Response<s3s::Body>> {
    let signed = call
        .region
        .as_deref()
        .filter(|&region| region != bucket_region)?;
    let mut response = if signed == GLOBAL {
        let message = format!(
            "The authorization header is malformed; the region '{signed}' is wrong; \
             expecting '{bucket_region}'"
        );
        let code = "AuthorizationHeaderMalformed";
        refusal::response(
            StatusCode::BAD_REQUEST,
            code,
            &message,
            &[("Region", bucket_region)],
        )
    } else {
        let message = "The bucket you are attempting to access must be addressed using the \
                       specified endpoint. Please send all future requests to this endpoint.";
        let bucket = call.bucket.as_deref().unwrap_or_default();
        let endpoint = format!("s3.{bucket_region}.amazonaws.com");
        let further = [("Endpoint", endpoint.as_str()), ("Bucket", bucket)];
        let status = StatusCode::MOVED_PERMANENTLY;
        refusal::response(status, "PermanentRedirect", message, &further)
    };
    name_region(response.headers_mut(), bucket_region);
    Some(response)
}

/// Sets the header with the bucket's region.
pub(super) fn name_region(headers: &mut HeaderMap, bucket_region: &str) {
    if let Ok(region) = HeaderValue::from_str(bucket_region) {
        headers.insert(REGION_HEADER, region);
    }
}
