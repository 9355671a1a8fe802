//! Error responses sent before the S3 service sees a request.

use http::{HeaderValue, Response, StatusCode};

/// Returns an S3 error document, with the elements `further` beside the code and the message.
pub(super) fn response(
    status: StatusCode,
    code: &str,
    message: &str,
    further: &[(&str, &str)],
) -> Response<s3s::Body> {
    let mut document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<Error><Code>{code}</Code><Message>{}</Message>",
        escape(message)
    );
    for (name, text) in further {
        document.extend(["<", name, ">", &escape(text), "</", name, ">"]);
    }
    document += "</Error>";
    let mut response = Response::new(s3s::Body::from(document));
    *response.status_mut() = status;
    let xml = HeaderValue::from_static("application/xml");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, xml);
    response
}

/// Returns the error document of an error of the S3 service.
pub(super) fn of_error(error: &s3s::S3Error) -> Response<s3s::Body> {
    let status = error.status_code().or_else(|| error.code().status_code());
    let message = error.message().unwrap_or_default();
    let status = status.unwrap_or(StatusCode::BAD_REQUEST);
    response(status, error.code().as_str(), message, &[])
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
