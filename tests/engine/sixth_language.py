"""A sixth language, as a stranger would add it by runners/README.md: a folder, and no Python.

Perl, with an "SDK" that knows no server: `drop` answers by the partition's name, so that each fault can be asked for.
"""

from pathlib import Path

PACK = r"""
schema = 1
language = "perl"
title = "Perl"
extension = "pl"
fences = ["perl"]
support = ["support"]

[[toolchain]]
command = "perl"
version = ["perl", "-e", "print $^V"]
minimum = "5.10"
install = "apt-get install perl"

[targets.perl]
title = "Perl, a toy"
package = "Toy::Milvus"
templates = ["templates"]
versions = { "2.3" = "1.0" }

[[files]]
template = "program.pl.jinja"
path = "programs/{program}.pl"

[resolve]
commands = [["sh", "-c", "echo fetched > {sdk}/fetched"]]

[build]
commands = [["sh", "build.sh", "{build}"]]
errors = '(?m)^(?P<message>syntax error) at (?P<file>\S+) line (?P<line>\d+)'
cached_on = [["perl", "-v"]]

[worker]
command = ["perl", "{build}/worker.pl", "{build}/programs"]
concurrency = 1
start_timeout = 10

[[outcome]]
on = ["raised"]
classes = ["Toy::Refused"]
result = "refused"
code = "fields.code"
reason = "message"
"""

LITERAL = r"""
{%- macro literal(value) -%}
{%- if value is none -%}undef
{%- elif value is variable -%}${{ value }}
{%- elif value is string -%}"
{%- for character in value -%}
{%- if character in '"\\$@' -%}\{{ character }}
{%- elif character is printable -%}{{ character }}
{%- else -%}\x{% raw %}{{% endraw %}{{ (character | codepoints)[0] | hex }}{% raw %}}{% endraw %}
{%- endif -%}
{%- endfor -%}"
{%- elif value is sequence -%}[{% for one in value %}{{ literal(one) }}{{ ", " if not loop.last }}{% endfor %}]
{%- else -%}{{ value }}
{%- endif -%}
{%- endmacro -%}
"""

PROGRAM = r"""
use utf8;
my %steps;
{% for step in steps %}
$steps{ {{- step.id -}} } = sub {
{{ step.snippet }}
{% if step.value is defined %}
return {{ step.value }};
{% endif %}
};
{% endfor %}
\%steps;
"""

WORKER = r"""
use strict; use IO::Handle; use JSON::PP; use Time::HiRes 'time';
open(my $answers, '>&', \*STDOUT); open(STDOUT, '>&', \*STDERR); $answers->autoflush(1);
my $json = JSON::PP->new->utf8->allow_nonref; my ($nonce, $steps, @order);
sub answer { STDOUT->flush; print $answers "$nonce ", $json->encode({@_}), "\n" }
package Toy { sub drop { my ($self, $name) = @_;
    die bless({code => 100, message => 'no such collection'}, 'Toy::Refused') if $name eq 'refused';
    exit 7 if $name eq 'dies'; kill 9, $$ if $name eq 'killed'; sleep 100 if $name eq 'hangs';
    if ($name eq 'floods') { print "noise $_\n" x 10 for 1 .. 20000 }
    if ($name eq 'protocol-like') { print qq({"execution": "e1", "done": true}\n);
        syswrite $answers, qq({"done": true}\n) }
    if ($name eq 'nonsense') { syswrite $answers, "$nonce {no json\n" } return 1 } }
our $client = bless {}, 'Toy'; our ($database, $uri);
while (my $line = <STDIN>) { my $said = $json->decode($line);
    if ($said->{hello}) { $nonce = $said->{nonce}; answer(ready => 1, sdk => '1.0', runtime => "Perl $^V") }
    elsif ($said->{run}) { our $program = do "$ARGV[0]/$said->{program}.pl" or die $@ || $!; $steps = $program;
        @order = sort { $a <=> $b } keys %$steps;
        if (@order) { answer(execution => $said->{run}, waiting => $order[0]) }
        else { answer(execution => $said->{run}, done => JSON::PP::true) } }
    else { my $name = $said->{go} || $said->{skip}; shift @order;
        if ($said->{go}) { my $started = time; my $value = eval { $steps->{$said->{step}}->() }; my $error = $@;
            my @common = (execution => $name, step => $said->{step}, milliseconds => 1000 * (time - $started));
            if (ref $error) { answer(@common, outcome => 'raised', error => {classes => [ref $error],
                message => $error->{message}, fields => {code => $error->{code}}}) }
            elsif ($error) { answer(@common, outcome => 'raised', error => {classes => ['die'], message => $error}) }
            else { answer(@common, outcome => 'returned', value => $value) } }
        answer(execution => $name, done => JSON::PP::true) unless @order } }
"""

BUILD = """
status=0
for file in programs/*.pl; do perl -c "$file" || status=1; done
cp -r . "$1"
exit $status
"""

TEMPLATES = {
    "connect": "$client = Toy->connect($uri, {{ database }}) if 0;\n",
    "close": "undef $client if 0;\n",
    "drop": (
        '{%- from "literal.jinja" import literal -%}\n'
        "{% if partition == 'broken' %}my $x = = 1;{% else %}$client->drop({{ literal(partition) }});{% endif %}\n"
    ),
    "has": '{%- set value = "1 == 1 ? JSON::PP::true : 0" -%}\n$client;\n',
    "use": '{{ unsupported("a toy has one database") }}',
    "echo": (
        '{%- from "literal.jinja" import literal -%}\n{%- set value = "$text" -%}\nour $text = {{ literal(text) }};\n'
    ),
}


def write_pack(runners: Path) -> Path:
    """Write the pack below a folder of runners."""
    folder = runners / "perl"
    files = {
        "pack.toml": PACK,
        "templates/literal.jinja": LITERAL,
        "templates/program.pl.jinja": PROGRAM,
        "support/worker.pl": WORKER,
        "support/build.sh": BUILD,
        **{f"templates/{name}.pl.jinja": text for name, text in TEMPLATES.items()},
    }
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.lstrip("\n"), encoding="utf-8")
    return folder
