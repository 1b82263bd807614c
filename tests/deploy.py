"""What tests/processes/deploy asks of the linters (tests/install-linters):
JSON on standard output, or a message and exit code 1."""

import json
import sys

import yaml


def compose(path):
    """A compose file, understood and with its merges done."""
    from compose_spec import PyOptions

    with open(path) as file:
        parsed = PyOptions(apply_merge=True).from_yaml(file.read())
    return yaml.safe_load(parsed.to_yaml())


def rendered(path, values, release):
    """The text of each template; refused by lint or by the values' schema like
    `helm install` would."""
    import helm_python

    with open(values) as file:
        values = yaml.safe_load(file) or {}
    report = helm_python.lint(path, values, strict=True)
    findings = [m for m in report["messages"] if m["severity"] >= 2]
    if findings or report["errors"]:
        sys.exit(f"helm lint: {findings} {report['errors']}")
    loaded = helm_python.Chart.load(path)
    loaded.validate_schema(values)
    return loaded.render(values, name=release, namespace="default")


def chart(path, values, release):
    """The manifests of a release."""
    texts = rendered(path, values, release)
    manifests = []
    for template in sorted(texts):
        if template.endswith((".yaml", ".yml")):
            manifests += [m for m in yaml.safe_load_all(texts[template]) if m]
    return manifests


def notes(path, values, release):
    """What `helm install` says in the end."""
    texts = rendered(path, values, release)
    (text,) = [texts[name] for name in texts if name.endswith("/NOTES.txt")]
    return text


def kubernetes(path, version):
    """What is wrong with each manifest of a JSON list, by Kubernetes' own
    schemas; kinds of others are left out."""
    import kubernetes_validate

    with open(path) as file:
        manifests = json.load(file)
    known = ("apps/", "batch/", "policy/", "networking.k8s.io/")
    wrong = []
    for manifest in manifests:
        api = manifest["apiVersion"]
        if api != "v1" and not api.startswith(known):
            continue
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            wrong.append(f"{manifest['kind']} {error.path}: {error.message}")
    return wrong


def plain(path):
    """A YAML file."""
    with open(path) as file:
        return yaml.safe_load(file)


def package():
    """What `cargo deb` will be told."""
    import tomllib

    with open("crates/cli/Cargo.toml", "rb") as file:
        return tomllib.load(file)["package"]["metadata"]["deb"]


if __name__ == "__main__":
    question, *arguments = sys.argv[1:]
    answers = {
        "compose": compose,
        "chart": chart,
        "kubernetes": kubernetes,
        "notes": notes,
        "package": package,
        "yaml": plain,
    }
    json.dump(answers[question](*arguments), sys.stdout)
