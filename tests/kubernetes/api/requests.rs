//! Requests and their answers: the verbs on Jobs, pods and Secrets that the documented role allows, and
//! no others.

use std::collections::BTreeMap;

use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::query::query;
use super::{TOKEN, rules, schema};
use crate::cluster::{Cluster, Objects};

/// The only namespace.
pub(crate) const NAMESPACE: &str = "jobs";

/// Maximum number of objects per page; a server may return fewer than requested.
const PAGE: usize = 2;

/// Object of a successful answer, or a refusal.
type Answer = Result<Value, Refusal>;

/// HTTP status, reason and message of an error.
pub(super) type Refusal = (u16, &'static str, String);

/// Answers a request.
pub(super) fn answer(cluster: &Cluster, head: &Parts, body: &[u8]) -> (u16, String) {
    let target = head.uri.path_and_query().map_or("", |path| path.as_str());
    let body = String::from_utf8_lossy(body).into_owned();
    let request = (head.method.to_string(), target.to_owned(), body.clone());
    cluster.requests.lock().unwrap().push(request);
    let answer = if cluster.faults.fails() {
        Err((
            500,
            "InternalError",
            "etcdserver: leader changed".to_owned(),
        ))
    } else {
        authorised(cluster, head, &body)
    };
    let is_post = head.method == "POST";
    match answer {
        Ok(object) => (if is_post { 201 } else { 200 }, object.to_string()),
        Err((code, reason, message)) => {
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "code": code, "reason": reason, "message": message,
            });
            (code, status.to_string())
        }
    }
}

fn authorised(cluster: &Cluster, head: &Parts, body: &str) -> Answer {
    let token = head.headers.get("authorization");
    if token.is_none_or(|token| token != &format!("Bearer {TOKEN}")) {
        return Err((401, "Unauthorized", "Unauthorized".to_owned()));
    }
    let query = query(head.uri.query().unwrap_or_default())?;
    let path: Vec<&str> = head.uri.path().split('/').skip(1).collect();
    let (group, rest) = match &path[..] {
        ["apis", "batch", "v1", "namespaces", rest @ ..] => ("batch", rest),
        ["api", "v1", "namespaces", rest @ ..] => ("", rest),
        _ => return Err((404, "NotFound", "the server could not find it".to_owned())),
    };
    let (namespace, resource, name) = match rest {
        [namespace, resource] => (*namespace, *resource, None),
        [namespace, resource, name] => (*namespace, *resource, Some(*name)),
        _ => return Err((404, "NotFound", "the server could not find it".to_owned())),
    };
    let verb = (head.method.as_str(), group, resource, name);
    if namespace != NAMESPACE {
        let message = format!("{resource} is forbidden: no role in the namespace \"{namespace}\"");
        return Err((403, "Forbidden", message));
    }
    let mut objects = cluster.objects();
    match verb {
        ("POST", "batch", "jobs", None) => create(&mut objects, "Job", &parsed(body)?),
        ("POST", "", "secrets", None) => create(&mut objects, "Secret", &parsed(body)?),
        ("GET", "batch", "jobs", Some(name)) => get(&objects.jobs, name).cloned(),
        ("PATCH", "batch", "jobs", Some(name)) => {
            let kind = head.headers.get("content-type");
            if kind.is_none_or(|kind| kind != "application/merge-patch+json") {
                return Err((415, "UnsupportedMediaType", "no such patch".to_owned()));
            }
            patch(&mut objects, name, &parsed(body)?)
        }
        ("DELETE", "batch", "jobs", Some(name)) => delete_job(&mut objects, name, &parsed(body)?),
        ("DELETE", "", "secrets", Some(name)) => {
            get(&objects.secrets, name)?;
            objects.secrets.remove(name);
            Ok(success())
        }
        ("GET", "", "pods", None) => Ok(list(&objects.pods, &query)),
        ("DELETE", "", "pods", None) => {
            delete_pods(&mut objects, &query, &parsed(body)?);
            Ok(success())
        }
        (method, group, resource, _) => {
            let message = format!("{resource}.{group} is forbidden: cannot {method}");
            Err((403, "Forbidden", message))
        }
    }
}

fn parsed(body: &str) -> Answer {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_str(body).map_err(|error| (400, "BadRequest", error.to_string()))
}

fn get<'a>(objects: &'a BTreeMap<String, Value>, name: &str) -> Result<&'a Value, Refusal> {
    let absent = || (404, "NotFound", format!("\"{name}\" not found"));
    objects.get(name).ok_or_else(absent)
}

/// Creates an object, like a `POST` request.
pub(crate) fn create(objects: &mut Objects, kind: &str, object: &Value) -> Answer {
    let wrong = |message: String| {
        (
            400,
            "BadRequest",
            format!("strict decoding error: {message}"),
        )
    };
    schema::check(kind, object).map_err(wrong)?;
    let invalid = |message: String| (422, "Invalid", format!("{kind} is invalid: {message}"));
    rules::check(kind, object).map_err(invalid)?;
    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
    let all = match kind {
        "Job" => &objects.jobs,
        _ => &objects.secrets,
    };
    if all.contains_key(&name) {
        return Err((409, "AlreadyExists", format!("\"{name}\" already exists")));
    }
    let mut object = object.clone();
    object["metadata"]["namespace"] = json!(NAMESPACE);
    objects.register(&mut object);
    let all = match kind {
        "Job" => &mut objects.jobs,
        _ => &mut objects.secrets,
    };
    all.insert(name, object.clone());
    Ok(object)
}

fn patch(objects: &mut Objects, name: &str, patch: &Value) -> Answer {
    get(&objects.jobs, name)?;
    let invalid = |message: String| (422, "Invalid", message);
    rules::check_patch(patch).map_err(invalid)?;
    let job = objects.jobs.get_mut(name).unwrap();
    for (name, value) in patch["spec"].as_object().unwrap() {
        job["spec"][name] = value.clone();
    }
    Ok(job.clone())
}

fn delete_job(objects: &mut Objects, name: &str, options: &Value) -> Answer {
    let mut job = get(&objects.jobs, name)?.clone();
    match options["propagationPolicy"].as_str() {
        Some("Background") => drop(objects.jobs.remove(name)),
        Some("Foreground") => {
            job["metadata"]["deletionTimestamp"] = json!(crate::cluster::now());
            job["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
            objects.jobs.insert(name.to_owned(), job.clone());
        }
        // By default, the pods of a Job stay.
        other => {
            return Err((
                400,
                "BadRequest",
                format!("propagation {other:?}: is not used"),
            ));
        }
    }
    Ok(job)
}

fn list(pods: &BTreeMap<String, Value>, query: &BTreeMap<String, String>) -> Value {
    let chosen: Vec<&Value> = pods.values().filter(|pod| is_chosen(pod, query)).collect();
    let start = query
        .get("continue")
        .map_or(0, |from| from.parse().unwrap());
    let limit = query
        .get("limit")
        .map_or(usize::MAX, |limit| limit.parse().unwrap());
    let end = chosen.len().min(start + limit.min(PAGE));
    let mut metadata = json!({ "resourceVersion": "1" });
    if end < chosen.len() {
        metadata["continue"] = json!(end.to_string());
        metadata["remainingItemCount"] = json!(chosen.len() - end);
    }
    let items = chosen.get(start..end).unwrap_or_default();
    json!({ "kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items })
}

fn is_chosen(pod: &Value, query: &BTreeMap<String, String>) -> bool {
    let by_label = query.get("labelSelector").is_none_or(|selector| {
        let (name, value) = selector.split_once('=').unwrap();
        pod["metadata"]["labels"][name] == value
    });
    let by_field = query.get("fieldSelector").is_none_or(|selector| {
        let phase = selector.strip_prefix("status.phase!=").unwrap();
        pod["status"]["phase"] != phase
    });
    by_label && by_field
}

fn delete_pods(objects: &mut Objects, query: &BTreeMap<String, String>, options: &Value) {
    let grace = options["gracePeriodSeconds"].as_i64();
    for pod in objects
        .pods
        .values_mut()
        .filter(|pod| is_chosen(pod, query))
    {
        let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64();
        Objects::end_pod(pod, grace.or(own).unwrap_or(30));
    }
}

fn success() -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" })
}
