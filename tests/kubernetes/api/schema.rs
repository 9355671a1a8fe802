//! Fields of the objects that clients create, and their types, by the API's reference. Other fields are
//! refused, as with `fieldValidation=Strict`.

use serde_json::{Value, json};

/// Returns the fields of a kind of object; `None` for an unknown kind.
fn fields(kind: &str) -> Option<Value> {
    let metadata = json!({
        "name": "text", "namespace": "text", "labels": { "*": "text" },
        "annotations": { "*": "text" },
        "ownerReferences": [{
            "apiVersion": "text", "kind": "text", "name": "text", "uid": "text",
            "controller": "yes or no", "blockOwnerDeletion": "yes or no",
        }],
    });
    let own = match kind {
        "Job" => json!({ "spec": job() }),
        "Secret" => json!({
            "data": { "*": "base64" }, "stringData": { "*": "text" }, "type": "text",
            "immutable": "yes or no",
        }),
        _ => return None,
    };
    let mut all = json!({ "apiVersion": "text", "kind": "text", "metadata": metadata });
    for (name, field) in own.as_object().unwrap() {
        all[name] = field.clone();
    }
    Some(all)
}

fn job() -> Value {
    json!({
        "activeDeadlineSeconds": "number", "backoffLimit": "number",
        "backoffLimitPerIndex": "number", "completionMode": "text", "completions": "number",
        "maxFailedIndexes": "number", "parallelism": "number", "podReplacementPolicy": "text",
        "suspend": "yes or no", "ttlSecondsAfterFinished": "number",
        "template": {
            "metadata": { "labels": { "*": "text" }, "annotations": { "*": "text" } },
            "spec": pod(),
        },
    })
}

fn pod() -> Value {
    json!({
        "activeDeadlineSeconds": "number", "automountServiceAccountToken": "yes or no",
        "containers": [container()], "enableServiceLinks": "yes or no",
        "imagePullSecrets": [{ "name": "text" }], "nodeSelector": { "*": "text" },
        "restartPolicy": "text", "serviceAccountName": "text",
        "terminationGracePeriodSeconds": "number",
        "volumes": [{
            "name": "text", "secret": { "secretName": "text", "defaultMode": "number" },
            "hostPath": { "path": "text", "type": "text" },
            "persistentVolumeClaim": { "claimName": "text", "readOnly": "yes or no" },
        }],
    })
}

fn container() -> Value {
    json!({
        "name": "text", "image": "text", "command": ["text"], "args": ["text"],
        "env": [{ "name": "text", "value": "text" }],
        "resources": { "limits": { "*": "quantity" }, "requests": { "*": "quantity" } },
        "securityContext": {
            "privileged": "yes or no", "runAsUser": "number", "runAsGroup": "number",
            "capabilities": { "add": ["text"], "drop": ["text"] },
            "seccompProfile": { "type": "text" }, "appArmorProfile": { "type": "text" },
        },
        "terminationMessagePolicy": "text",
        "volumeMounts": [{ "name": "text", "mountPath": "text", "readOnly": "yes or no" }],
    })
}

/// Checks an object; returns the API's error message.
pub(super) fn check(kind: &str, object: &Value) -> Result<(), String> {
    let fields = fields(kind).ok_or_else(|| format!("no kind \"{kind}\""))?;
    check_field(kind, &fields, object)
}

fn check_field(path: &str, field: &Value, value: &Value) -> Result<(), String> {
    match (field, value) {
        (Value::Object(fields), Value::Object(values)) => {
            values.iter().try_for_each(|(name, value)| {
                let path = format!("{path}.{name}");
                let field = fields.get(name).or_else(|| fields.get("*"));
                let field = field.ok_or_else(|| format!("unknown field \"{path}\""))?;
                check_field(&path, field, value)
            })
        }
        (Value::Array(field), Value::Array(values)) => {
            let mut values = values.iter();
            values.try_for_each(|value| check_field(path, &field[0], value))
        }
        (Value::String(kind), value) if is_of(kind, value) => Ok(()),
        _ => Err(format!("{path}: cannot unmarshal {value}")),
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "text" => value.is_string(),
        "number" => value.is_i64() || value.is_u64(),
        "yes or no" => value.is_boolean(),
        "base64" => value.as_str().is_some_and(|text| {
            let is_letter = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
            text.len() % 4 == 0 && text.chars().all(is_letter)
        }),
        "quantity" => value.as_str().is_some_and(|text| quantity(text).is_some()),
        _ => unreachable!("no type `{kind}`"),
    }
}

/// Parses a quantity; returns it in thousandths.
pub(super) fn quantity(text: &str) -> Option<u128> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u128 = digits.parse().ok()?;
    let unit = match &text[digits.len()..] {
        "m" => 1,
        "" => 1000,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        _ => return None,
    };
    Some(number * unit)
}
