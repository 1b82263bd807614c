{{- define "understudy.name" -}}
{{- printf "%s" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "understudy.selector" -}}
app.kubernetes.io/name: understudy
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "understudy.labels" -}}
{{ include "understudy.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "understudy.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "understudy.name" .) -}}
{{- end -}}

{{- define "understudy.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* Plain text is spoken where a value says so, and nowhere else: E606 of the
node, told before there is a pod. */}}
{{- define "understudy.checkSpeech" -}}
{{- $plain := .Values.tls.plaintext -}}
{{- $missing := list -}}
{{- if not (or .Values.tls.secret (has "replication" $plain)) -}}
{{- $missing = append $missing "replication: set tls.secret (`understudy cert` makes the files), or name replication" -}}
{{- end -}}
{{- if not (or .Values.clientTls.secret (has "clients" $plain)) -}}
{{- $missing = append $missing "clients: set clientTls.secret, or name clients" -}}
{{- end -}}
{{- if not (has "console" $plain) -}}
{{- $missing = append $missing "the console has no TLS of its own, and the probes ask it: name console" -}}
{{- end -}}
{{- if $missing -}}
{{- fail (printf "what would speak plain text to other pods must stand in tls.plaintext, in a network that nobody else can read or write. %s" (join "; " $missing)) -}}
{{- end -}}
{{- if and .Values.clientTls.secret (not .Values.tls.secret) -}}
{{- fail "clientTls.secret needs tls.secret: the nodes send on what clients ask to the same port, as themselves" -}}
{{- end -}}
{{- if and .Values.clientTls.requireCertificates (not .Values.clientTls.secret) -}}
{{- fail "clientTls.requireCertificates needs clientTls.secret, with the authority as `ca.crt`" -}}
{{- end -}}
{{- end -}}

{{/* TOML has each table once. */}}
{{- define "understudy.checkExtraConfig" -}}
{{- range list "store" "listen" "tls" "client_tls" "console" "advertise" -}}
{{- if regexMatch (printf "(?m)^[ \\t]*\\[[ \\t]*%s[ \\t]*\\]" .) $.Values.extraConfig -}}
{{- fail (printf "extraConfig: [%s] is made of this chart's values (store, advertise, tls, clientTls, console): set those" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
