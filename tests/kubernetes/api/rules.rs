//! Rules of the API beyond the fields' types: [validation] of Jobs, their pods, and Secrets.
//!
//! [validation]: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/

use serde_json::Value;

use super::schema::quantity;

/// API versions by kind.
const VERSIONS: [(&str, &str); 2] = [("Job", "batch/v1"), ("Secret", "v1")];

/// Checks an object; returns the API's error message.
pub(super) fn check(kind: &str, object: &Value) -> Result<(), String> {
    let version = VERSIONS.iter().find(|(one, _)| *one == kind).unwrap().1;
    require(
        object["kind"] == kind && object["apiVersion"] == version,
        "kind: is another",
    )?;
    let name = text(&object["metadata"]["name"]);
    require(is_label(name), "metadata.name: must be a DNS-1123 label")?;
    check_labels(&object["metadata"]["labels"])?;
    match kind {
        "Job" => check_job(name, &object["spec"]),
        _ => Ok(()),
    }
}

fn check_job(name: &str, spec: &Value) -> Result<(), String> {
    let number = |name: &str| spec[name].as_i64();
    let (completions, parallelism) = (number("completions"), number("parallelism"));
    require(
        spec["completionMode"] == "Indexed",
        "spec.completionMode: is not what this is for",
    )?;
    let completions =
        completions.ok_or("spec.completions: Required value: when completion mode is Indexed")?;
    require(
        (1..=100_000).contains(&completions),
        "spec.completions: must be from 1 to 100000",
    )?;
    let parallelism = parallelism.unwrap_or(1);
    require(
        (0..=10_000).contains(&parallelism),
        "spec.parallelism: must be from 0 to 10000",
    )?;
    let most_failed = number("maxFailedIndexes");
    if most_failed.is_some() {
        require(
            number("backoffLimitPerIndex").is_some(),
            "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is set",
        )?;
    }
    require(
        most_failed.is_none_or(|most| (0..=completions).contains(&most)),
        "spec.maxFailedIndexes: must be less than or equal to spec.completions",
    )?;
    require(
        number("backoffLimitPerIndex").is_none_or(|limit| limit >= 0),
        "spec.backoffLimitPerIndex: must not be negative",
    )?;
    let longest = format!("{name}-{}", completions - 1);
    require(
        is_label(&longest),
        "metadata.name: will not be able to create pods with an invalid DNS label",
    )?;
    let template = &spec["template"];
    check_labels(&template["metadata"]["labels"])?;
    check_pod(&template["spec"])
}

fn check_pod(pod: &Value) -> Result<(), String> {
    let policy = text(&pod["restartPolicy"]);
    require(
        policy == "Never",
        "spec.template.spec.restartPolicy: must be Never with backoffLimitPerIndex",
    )?;
    let deadline = pod["activeDeadlineSeconds"].as_i64();
    require(
        deadline.is_none_or(|seconds| (1..=i64::from(u32::MAX >> 1)).contains(&seconds)),
        "activeDeadlineSeconds: must be positive",
    )?;
    check_labels(&pod["nodeSelector"])?;
    let volumes = pod["volumes"].as_array().map_or(&[][..], Vec::as_slice);
    for volume in volumes {
        require(
            is_label(text(&volume["name"])),
            "volumes.name: must be a DNS-1123 label",
        )?;
        let sources = ["secret", "hostPath", "persistentVolumeClaim"];
        let sources = sources.iter().filter(|source| !volume[**source].is_null());
        require(
            sources.count() == 1,
            "volumes: must specify one volume type",
        )?;
        let mode = volume["secret"]["defaultMode"].as_i64();
        require(
            mode.is_none_or(|mode| (0..=0o777).contains(&mode)),
            "defaultMode: must be from 0 to 0777",
        )?;
    }
    let containers = pod["containers"].as_array().map_or(&[][..], Vec::as_slice);
    require(!containers.is_empty(), "spec.containers: Required value")?;
    containers
        .iter()
        .try_for_each(|container| check_container(container, volumes))
}

fn check_container(container: &Value, volumes: &[Value]) -> Result<(), String> {
    require(
        is_label(text(&container["name"])),
        "containers.name: must be a DNS-1123 label",
    )?;
    let image = text(&container["image"]);
    require(
        !image.is_empty() && image.trim() == image,
        "containers.image: Required value",
    )?;
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let has_volume = volumes.iter().any(|volume| volume["name"] == mount["name"]);
        require(has_volume, "volumeMounts.name: Not found")?;
        let path = text(&mount["mountPath"]);
        require(
            path.starts_with('/') && !path.contains(':'),
            "mountPath: must not contain ':'",
        )?;
    }
    let (limits, requests) = (
        &container["resources"]["limits"],
        &container["resources"]["requests"],
    );
    for (name, request) in requests.as_object().into_iter().flatten() {
        let amount = |value: &Value| quantity(text(value));
        let limit = amount(&limits[name]);
        require(
            limit.is_none() || amount(request) <= limit,
            "resources.requests: must be less than or equal to limit",
        )?;
    }
    for (name, limit) in limits.as_object().into_iter().flatten() {
        let is_whole = quantity(text(limit)).is_some_and(|amount| amount % 1000 == 0);
        require(
            name == "cpu" || is_whole,
            "resources.limits: must be an integer",
        )?;
    }
    let security = &container["securityContext"];
    let adds = security["capabilities"]["add"]
        .as_array()
        .into_iter()
        .flatten();
    let forbidden = security["allowPrivilegeEscalation"] == false && adds.count() > 0;
    require(
        !forbidden,
        "securityContext: cannot set `allowPrivilegeEscalation` to false",
    )
}

fn check_labels(labels: &Value) -> Result<(), String> {
    for (name, value) in labels.as_object().into_iter().flatten() {
        let plain = name.rsplit('/').next().unwrap_or_default();
        let is_value = |text: &str| {
            let is_end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
            let is_inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            text.len() <= 63
                && is_end(text.chars().next())
                && is_end(text.chars().last())
                && text.chars().all(is_inner)
        };
        require(
            !plain.is_empty() && is_value(plain) && is_value(text(value)),
            "metadata.labels: Invalid value",
        )?;
    }
    Ok(())
}

/// Checks that a patch changes only mutable fields of a Job.
pub(super) fn check_patch(patch: &Value) -> Result<(), String> {
    let changes = patch["spec"].as_object();
    let is_known = patch
        .as_object()
        .is_some_and(|all| all.keys().all(|name| name == "spec"));
    let may = [
        "suspend",
        "parallelism",
        "activeDeadlineSeconds",
        "ttlSecondsAfterFinished",
    ];
    let is_mutable = changes.is_some_and(|all| all.keys().all(|name| may.contains(&name.as_str())));
    require(is_known && is_mutable, "spec: field is immutable")
}

fn require(is_so: bool, otherwise: &str) -> Result<(), String> {
    is_so.then_some(()).ok_or_else(|| otherwise.to_owned())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Returns whether a text is a label by RFC 1123.
fn is_label(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(is_inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
