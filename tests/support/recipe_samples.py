"""One failing sample per row of the table of recipes."""

from dataclasses import dataclass

from workflows.models import FailureClass, ProofState

CARGO = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n'
WORKFLOW = "jobs:\n  check:\n    runs-on: ubuntu-latest\n    steps:\n      - run: docker push x\n"


@dataclass(frozen=True)
class Sample:
    """What a row is shown, and the lines its patch must have."""

    files: dict[str, str]
    command: str
    lines: tuple[str, ...]
    failure_class: FailureClass = FailureClass.LINT
    state: ProofState = ProofState.PROVED
    permission: str | None = None
    log: str = ""


CI = ".github/workflows/ci.yml"


def hooks(name: str) -> str:
    """A configuration of pre-commit with one hook."""
    return f"repos:\n- repo: x\n  rev: v1\n  hooks:\n  - id: {name}\n"


def edit(
    files: dict[str, str], log: str, line: str, failure_class: FailureClass = FailureClass.UNKNOWN
) -> Sample:
    """A sample for a row that edits what the log names."""
    return Sample(
        files=files,
        command="unknown-command",
        lines=(line,) if line else (),
        failure_class=failure_class,
        state=ProofState.NOT_PROVED_HERE,
        log=log,
    )


SAMPLES: dict[str, Sample] = {
    "ruff-check": Sample(
        files={"app.py": "import os\nimport sys\n\nprint(sys.argv)\n"},
        command="ruff check --output-format=github .",
        lines=("-import os",),
    ),
    "ruff-format": Sample(
        files={"app.py": "x = {  'a':1 }\n"},
        command="ruff format --check --diff .",
        lines=("-x = {  'a':1 }", '+x = {"a": 1}'),
        failure_class=FailureClass.FORMAT,
    ),
    "black": Sample(
        files={"app.py": "x = {  'a':1 }\n"},
        command="python -m black --check --diff --line-length 88 .",
        lines=("-x = {  'a':1 }", '+x = {"a": 1}'),
        failure_class=FailureClass.FORMAT,
    ),
    "isort": Sample(
        files={"app.py": "import sys\nimport os\n"},
        command="uv run isort --check-only --diff --profile black .",
        lines=("+import sys", "-import sys"),
        failure_class=FailureClass.FORMAT,
    ),
    "cargo-fmt": Sample(
        files={"Cargo.toml": CARGO, "src/main.rs": 'fn main() { println!("x"); }\n'},
        command="cargo fmt --all -- --check",
        lines=('-fn main() { println!("x"); }', '+    println!("x");'),
        failure_class=FailureClass.FORMAT,
    ),
    "rustfmt": Sample(
        files={"main.rs": 'fn main() { println!("x"); }\n'},
        command="rustfmt --check main.rs",
        lines=('-fn main() { println!("x"); }', '+    println!("x");'),
        failure_class=FailureClass.FORMAT,
    ),
    "cargo-clippy": Sample(
        files={
            "Cargo.toml": CARGO,
            "src/main.rs": 'fn main() {\n    let unused = 1;\n    let mut x = 2;\n    println!("{x}");\n}\n',
        },
        command="cargo clippy --all-targets -- -D warnings",
        lines=("-    let unused = 1;", "+    let _unused = 1;", "-    let mut x = 2;", "+    let x = 2;"),
    ),
    "prettier": Sample(
        files={"app.js": "const x = {a:1}\n", ".prettierrc": "{}"},
        command="npx --yes prettier@3 --check .",
        lines=("-const x = {a:1}", "+const x = { a: 1 };"),
        failure_class=FailureClass.FORMAT,
    ),
    "workflow-permissions": Sample(
        files={".github/workflows/ci.yml": WORKFLOW},
        command="docker push x",
        lines=("+    permissions:", "+      contents: read", "+      packages: write"),
        failure_class=FailureClass.PERMISSION,
        state=ProofState.NOT_PROVED_HERE,
        permission="packages: write",
    ),
    "autoflake": Sample(
        files={"app.py": "import os\nx = 1\n"},
        command="autoflake --check --remove-all-unused-imports -r .",
        lines=("-import os",),
    ),
    "autopep8": Sample(
        files={"app.py": "x=1\n"}, command="autopep8 --diff --exit-code -r .", lines=("-x=1", "+x = 1")
    ),
    "yapf": Sample(files={"app.py": "x=1\n"}, command="yapf --diff --recursive .", lines=("-x=1", "+x = 1")),
    "docformatter": Sample(
        files={"app.py": 'def f():\n    """   Say it   """\n'},
        command="docformatter --check -r .",
        lines=('+    """Say it."""',),
    ),
    "flake8": Sample(files={"app.py": "x=1\n"}, command="python -m flake8 --count .", lines=("+x = 1",)),
    "pycodestyle": Sample(
        files={"app.py": "x=1\n"}, command="pycodestyle --max-line-length 100 app.py", lines=("+x = 1",)
    ),
    **{
        f"cargo-fix-{subcommand}": Sample(
            files={
                "Cargo.toml": CARGO,
                "Cargo.lock": 'version = 3\n\n[[package]]\nname = "app"\nversion = "0.1.0"\n',
                "src/main.rs": "#![deny(warnings)]\nuse std::fmt;\n\nfn main() {}\n",
            },
            command=f"cargo {subcommand} --workspace --verbose",
            lines=("-use std::fmt;",),
        )
        for subcommand in ("check", "build", "test")
    },
    "pyflakes": Sample(files={"app.py": "import os\nx = 1\n"}, command="pyflakes .", lines=("-import os",)),
    "reorder-python-imports": Sample(
        files={
            "app.py": "import sys\nimport os\n",
            ".pre-commit-config.yaml": hooks("reorder-python-imports"),
        },
        command="pre-commit run --all-files",
        lines=("+import sys",),
    ),
    "django-upgrade": Sample(
        files={"app.py": "from django.utils.translation import ugettext\n\nugettext('x')\n"},
        command="django-upgrade --target-version 4.0 app.py",
        lines=("+from django.utils.translation import gettext",),
    ),
    "sort-all": Sample(
        files={"app.py": '__all__ = ["b", "a"]\n'},
        command="sort-all app.py",
        lines=('+__all__ = ["a", "b"]',),
    ),
    "flynt": Sample(
        files={"app.py": 'x = "%s" % y\n'}, command="flynt --fail-on-change .", lines=('+x = f"{y}"',)
    ),
    **{
        tool: Sample(
            files={"app.py": "import sys\nimport os\n"}, command=f"{tool} check .", lines=("+import sys",)
        )
        for tool in ("usort", "ufmt")
    },
    "unimport": Sample(
        files={"app.py": "import os\nx = 1\n"},
        command="unimport --check --diff app.py",
        lines=("-import os",),
    ),
    "ssort": Sample(
        files={"app.py": "x = f()\n\n\ndef f():\n    return 1\n"},
        command="ssort --check app.py",
        lines=("-x = f()", "+x = f()"),
    ),
    "cog": Sample(
        files={"README.md": "<!-- [[[cog\nimport cog\ncog.outl('x')\n]]] -->\n<!-- [[[end]]] -->\n"},
        command="cog --check README.md",
        lines=("+x",),
    ),
    "pyupgrade": Sample(
        files={"app.py": "x = set([1])\n"}, command="pyupgrade --py38-plus app.py", lines=("+x = {1}",)
    ),
    "add-trailing-comma": Sample(
        files={"app.py": "f(\n    1\n)\n"}, command="add-trailing-comma app.py", lines=("+    1,",)
    ),
    "double-quote-string-fixer": Sample(
        files={"app.py": 'x = "a"\n'}, command="double-quote-string-fixer app.py", lines=("+x = 'a'",)
    ),
    "eslint": Sample(
        files={
            "app.js": "let x = 1\nconsole.log(x)\n",
            "eslint.config.js": "module.exports = [{rules: {'prefer-const': 'error'}}]\n",
            "package.json": '{"scripts": {"lint": "npm run lint:js", "lint:js": "eslint ."}}\n',
        },
        command="npm run lint",
        lines=("-let x = 1", "+const x = 1"),
    ),
    "xo": Sample(
        files={"index.js": "const a = [1, 2]\nexport default a;\n", "package.json": '{"type": "module"}\n'},
        command="npx xo",
        lines=("-const a = [1, 2]",),
    ),
    "standard": Sample(
        files={"app.js": "const x = 1;\nconsole.log(x)\n"}, command="yarn standard", lines=("+const x = 1",)
    ),
    "oxlint": Sample(
        files={"app.js": "let x = 1;\nconsole.log(x);\n"},
        command="pnpm exec oxlint --deny no-unused-labels --deny no-useless-rename --deny prefer-const .",
        lines=("+const x = 1;",),
    ),
    "stylelint": Sample(
        files={
            "a.css": "a { color: #FFFFFF; }\n",
            ".stylelintrc.json": '{"rules": {"color-hex-length": "short"}}\n',
        },
        command='stylelint "*.css"',
        lines=("+a { color: #FFF; }",),
    ),
    **{
        f"biome-{subcommand}": Sample(
            files={
                "app.js": source,
                "biome.json": '{"linter": {"rules": {"style": {"useConst": "error"}}}}\n',
            },
            command=f"npx @biomejs/biome {subcommand} app.js",
            lines=(line,),
        )
        for subcommand, source, line in (
            ("ci", "const x = {a:1}\nconsole.log(x);\n", "+const x = { a: 1 };"),
            ("check", "const x = {a:1}\nconsole.log(x);\n", "+const x = { a: 1 };"),
            ("lint", "let x = 1;\nconsole.log(x);\n", "+const x = 1;"),
            ("format", "const x = {a:1}\n", "+const x = { a: 1 };"),
        )
    },
    "shfmt": Sample(
        files={"a.sh": "if true; then\necho x\nfi\n"}, command="shfmt -d .", lines=("-echo x", "+\techo x")
    ),
    **{
        tool: Sample(
            files={"a.go": "package a\n\nfunc  F( ) {}\n"},
            command=f'test -z "$({tool} -l .)"',
            lines=("+func F() {}",),
            failure_class=FailureClass.FORMAT,
        )
        for tool in ("gofmt", "goimports")
    },
    "rubocop": Sample(
        files={
            "a.rb": '# frozen_string_literal: true\n\nx = "a"\nputs( x )\n',
            ".rubocop.yml": "AllCops:\n  NewCops: disable\n  SuggestExtensions: false\n",
        },
        command="bundle exec rubocop --parallel --format github",
        lines=("+x = 'a'", "+puts(x)"),
    ),
    "phpcs": Sample(
        files={"a.php": "<?php\n\nif(true){echo 1;}\n"},
        command="vendor/bin/phpcs --standard=PSR12 a.php",
        lines=("+if (true) {",),
    ),
    **{
        f"php-cs-fixer{suffix}": Sample(
            files={
                "a.php": "<?php\n\nif(true){echo 1;}\n",
                ".php-cs-fixer.dist.php": "<?php\n\nreturn (new PhpCsFixer\\Config())"
                "->setFinder(PhpCsFixer\\Finder::create()->in(__DIR__));\n",
            },
            command=f"vendor/bin/php-cs-fixer {subcommand}",
            lines=("+if (true) {",),
        )
        for suffix, subcommand in (("", "fix --dry-run --diff"), ("-check", "check --diff"))
    },
    "ktlint": Sample(
        files={"Main.kt": 'fun main( ) {\n  println("x")\n}\n'},
        command="ktlint Main.kt",
        lines=("+fun main() {", '+    println("x")'),
    ),
    "google-java-format": Sample(
        files={"A.java": "class A {int  x;}\n"},
        command="google-java-format --dry-run --set-exit-if-changed $(git ls-files '*.java')",
        lines=("+  int x;",),
    ),
    "elm-format": Sample(
        files={"src/A.elm": "module A exposing (..)\nx=1\n"},
        command="npx elm-format --validate src",
        lines=("+x =",),
    ),
    "ormolu": Sample(
        files={"A.hs": 'main=putStrLn "x"\n'},
        command="ormolu --mode check $(git ls-files '*.hs')",
        lines=('+main = putStrLn "x"',),
    ),
    "stylua": Sample(
        files={"a.lua": "local  x={a=1}\n"}, command="stylua --check .", lines=("+local x = { a = 1 }",)
    ),
    "mix-format": Sample(
        files={"a.exs": "x=1\n", ".formatter.exs": '[inputs: ["*.exs"]]\n'},
        command="mix format --check-formatted",
        lines=("+x = 1",),
    ),
    "zig-fmt": Sample(
        files={"a.zig": "const  x=1;\n"}, command="zig fmt --check .", lines=("+const x = 1;",)
    ),
    "terraform-fmt": Sample(
        files={"a.tf": "locals {\n  a=1\n}\n"},
        command="terraform fmt -check -diff -recursive",
        lines=("+  a = 1",),
    ),
    "shellcheck": Sample(
        files={"a.sh": "#!/bin/sh\necho $1\n"},
        command="git ls-files '*.sh' | xargs shellcheck",
        lines=("-echo $1", '+echo "$1"'),
    ),
    "clang-format": Sample(
        files={"a.c": "int  main( ){return 0;}\n"},
        command="clang-format --dry-run --Werror *.c",
        lines=("+int main() { return 0; }",),
    ),
    "gersemi": Sample(
        files={"CMakeLists.txt": "project( app )\n"}, command="gersemi --check .", lines=("+project(app)",)
    ),
    **{
        tool: Sample(files={"a.md": "# A\n\n\n\nb\n"}, command=f"{tool} a.md", lines=("-",))
        for tool in ("markdownlint", "markdownlint-cli2")
    },
    "buildifier": Sample(
        files={"BUILD": "cc_library(name='a',srcs=['b.c'])\n"},
        command="buildifier -mode=check -r .",
        lines=('+    name = "a",',),
    ),
    "buf-format": Sample(
        files={"a.proto": 'syntax="proto3";\npackage a;\n'},
        command="buf format -d --exit-code a.proto",
        lines=('+syntax = "proto3";',),
    ),
    "deno-fmt": Sample(
        files={"a.ts": "const x = {a:1}\n"}, command="deno fmt --check a.ts", lines=("+const x = { a: 1 };",)
    ),
    "deno-lint": Sample(
        files={"a.ts": "window.close();\n"}, command="deno lint a.ts", lines=("+globalThis.close();",)
    ),
    "dprint": Sample(
        files={
            "a.json": '{"a":1,\n"b":2}\n',
            "dprint.json": (
                '{"json": {}, "includes": ["a.json"], '
                '"plugins": ["/node_modules/@dprint/json/plugin.wasm"]}\n'
            ),
        },
        command="npx dprint check",
        lines=('-{"a":1,',),
    ),
    "pnpm-install": Sample(
        files={
            "package.json": '{"name": "app", "version": "1.0.0", "dependencies": {"lib": "link:lib"}}\n',
            "lib/package.json": '{"name": "lib", "version": "1.0.0"}\n',
            "pnpm-lock.yaml": (
                "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n"
                "  excludeLinksFromLockfile: false\n\nimporters:\n\n  .: {}\n"
            ),
        },
        command="pnpm install --frozen-lockfile",
        lines=("+        specifier: link:lib",),
        failure_class=FailureClass.DEPENDENCY,
    ),
    "sort-package-json": Sample(
        files={"package.json": '{\n  "version": "1.0.0",\n  "name": "app"\n}\n'},
        command="npx sort-package-json --check",
        lines=('+  "name": "app",',),
    ),
    "oxfmt": Sample(
        files={"app.js": "const x = {a:1}\n"}, command="oxfmt --check .", lines=("+const x = { a: 1 };",)
    ),
    "rumdl": Sample(files={"a.md": "# A\n\n\n\nb\n"}, command="rumdl check .", lines=("-",)),
    "rumdl-fmt": Sample(files={"a.md": "# A\n\n\n\nb\n"}, command="rumdl fmt --check .", lines=("-",)),
    "sqlfluff": Sample(
        files={"a.sql": "SELECT a,b FROM t\n"},
        command="sqlfluff lint --dialect ansi --format github-annotation a.sql",
        lines=("+    b",),
    ),
    "sqlfmt": Sample(
        files={"a.sql": "SELECT A FROM t\n"}, command="sqlfmt --check .", lines=("+select a from t",)
    ),
    "djlint": Sample(
        files={"a.html": "<div><p>x</p>\n</div>\n"}, command="djlint --check .", lines=("+    <p>x</p>",)
    ),
    "djhtml": Sample(
        files={"a.html": "<div>\n<p>x</p>\n</div>\n"},
        command="djhtml --check a.html",
        lines=("+    <p>x</p>",),
    ),
    "djade": Sample(
        files={"a.html": "{%  if x %}{% endif %}\n"},
        command="djade a.html",
        lines=("+{% if x %}{% endif %}",),
    ),
    "toml-sort": Sample(
        files={"a.toml": "b=1\na=2\n"}, command="toml-sort --check a.toml", lines=("+a = 2",)
    ),
    "tombi-format": Sample(
        files={"a.toml": "a=1\n"}, command="tombi format --check a.toml", lines=("+a = 1",)
    ),
    "pyproject-fmt": Sample(
        files={"pyproject.toml": '[project]\nname="app"\nversion = "1.0"\n'},
        command="pyproject-fmt --check --no-generate-python-version-classifiers pyproject.toml",
        lines=('+name = "app"',),
    ),
    "setup-cfg-fmt": Sample(
        files={"setup.cfg": "[metadata]\nversion = 1\nname = app\n"},
        command="setup-cfg-fmt setup.cfg",
        lines=("-version = 1",),
    ),
    "docstrfmt": Sample(files={"a.rst": "A\n===\n"}, command="docstrfmt --check a.rst", lines=("+###",)),
    "yamlfmt": Sample(files={"a.yaml": "a:   1\n"}, command="yamlfmt -lint .", lines=("+a: 1",)),
    "cmake-format": Sample(
        files={"CMakeLists.txt": "project( app )\n"},
        command="cmake-format --check CMakeLists.txt",
        lines=("+project(app)",),
    ),
    "just-fmt": Sample(
        files={"justfile": "a:\n  echo   x\n"},
        command="just --unstable --fmt --check",
        lines=("+    echo   x",),
    ),
    "mdformat": Sample(files={"a.md": "A\n=\n"}, command="mdformat --check .", lines=("+# A",)),
    "blacken-docs": Sample(
        files={"a.md": "```python\nx = {  'a':1 }\n```\n"},
        command="blacken-docs *.md",
        lines=('+x = {"a": 1}',),
    ),
    "codespell": Sample(
        files={"a.txt": "we recieve it\n"},
        command="rc=0; codespell . || rc=1; exit $rc",
        lines=("+we receive it",),
    ),
    "typos": Sample(files={"a.txt": "we recieve it\n"}, command="typos", lines=("+we receive it",)),
    **{
        f"taplo-{subcommand}": Sample(
            files={"a.toml": "a=1\n"}, command=f"taplo {subcommand} --check", lines=("+a = 1",)
        )
        for subcommand in ("fmt", "format")
    },
    "yamlfix": Sample(files={"a.yaml": "a:   1\n"}, command="yamlfix --check a.yaml", lines=("+a: 1",)),
    "pretty-format-json": Sample(
        files={"a.json": '{"b":1}\n', ".pre-commit-config.yaml": hooks("pretty-format-json")},
        command="pre-commit run --all-files",
        lines=('+  "b": 1',),
    ),
    "end-of-file-fixer": Sample(
        files={"a.txt": "a", ".pre-commit-config.yaml": hooks("end-of-file-fixer")},
        command="pre-commit run --all-files --show-diff-on-failure",
        lines=("+a",),
    ),
    "trailing-whitespace-fixer": Sample(
        files={"a.txt": "a  \n", ".pre-commit-config.yaml": hooks("trailing-whitespace")},
        command="prek run trailing-whitespace -a",
        lines=("-a  ", "+a"),
    ),
    "mixed-line-ending": Sample(
        files={"a.txt": "a\nb\r\nc\n"}, command="mixed-line-ending a.txt", lines=("+b",)
    ),
    "fix-byte-order-marker": Sample(
        files={"a.txt": "\ufeffa\n"}, command="fix-byte-order-marker a.txt", lines=("+a",)
    ),
    "requirements-txt-fixer": Sample(
        files={"requirements.txt": "b\na\nc\n", ".pre-commit-config.yaml": hooks("requirements-txt-fixer")},
        command="pre-commit run -a",
        lines=("-b", "+b"),
    ),
    "sort-simple-yaml": Sample(
        files={"a.yaml": "# c\n\nb: 1\n\na: 1\n"}, command="sort-simple-yaml a.yaml", lines=("-b: 1", "+b: 1")
    ),
    "file-contents-sorter": Sample(
        files={"a.txt": "b\na\n"}, command="file-contents-sorter a.txt", lines=("-b", "+b")
    ),
    "uv-lock": Sample(
        files={
            "pyproject.toml": '[project]\nname = "app"\nversion = "0.2.0"\nrequires-python = ">=3.11"\n',
            "uv.lock": (
                'version = 1\nrequires-python = ">=3.11"\n\n'
                '[[package]]\nname = "app"\nversion = "0.1.0"\nsource = { virtual = "." }\n'
            ),
        },
        command="uv lock --check",
        lines=('+version = "0.2.0"',),
        failure_class=FailureClass.DEPENDENCY,
    ),
    **{
        f"uv-lock-{subcommand}": Sample(
            files={
                "pyproject.toml": '[project]\nname = "app"\nversion = "0.2.0"\nrequires-python = ">=3.11"\n',
                "uv.lock": (
                    'version = 1\nrequires-python = ">=3.11"\n\n'
                    '[[package]]\nname = "app"\nversion = "0.1.0"\nsource = { virtual = "." }\n'
                ),
            },
            command=f"uv {subcommand} --locked --all-extras",
            lines=('+version = "0.2.0"',),
            failure_class=FailureClass.DEPENDENCY,
        )
        for subcommand in ("sync", "export")
    },
    "npm-ci": Sample(
        files={
            "package.json": '{"name": "app", "version": "1.0.0", "dependencies": {"lib": "file:lib"}}\n',
            "lib/package.json": '{"name": "lib", "version": "1.0.0"}\n',
            "package-lock.json": (
                '{"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": true,\n'
                ' "packages": {"": {"name": "app", "version": "1.0.0"}}}\n'
            ),
        },
        command="npm ci",
        lines=('+      "link": true',),
        failure_class=FailureClass.DEPENDENCY,
    ),
    **{
        f"cargo-lock-{subcommand}": Sample(
            files={
                "Cargo.toml": CARGO.replace("0.1.0", "0.2.0"),
                "Cargo.lock": 'version = 3\n\n[[package]]\nname = "app"\nversion = "0.1.0"\n',
                "src/main.rs": "fn main() {}\n",
            },
            command=f"cargo {subcommand} --locked",
            lines=('+version = "0.2.0"',),
            failure_class=FailureClass.DEPENDENCY,
        )
        for subcommand in ("build", "check", "test", "run", "doc", "metadata", "tree", "clippy")
    },
    "action-version": edit(
        {CI: "jobs:\n  check:\n    runs-on: x\n    steps:\n      - uses: actions/upload-artifact@v3\n"},
        "Error: This request has been automatically failed because it uses a deprecated version of "
        "`actions/upload-artifact: v3`. Learn more",
        "+      - uses: actions/upload-artifact@v4",
    ),
    "workflow-command": edit(
        {CI: 'jobs:\n  check:\n    runs-on: x\n    steps:\n      - run: echo "::set-output name=a::$B"\n'},
        "Error: The `set-output` command is deprecated and will be disabled soon.",
        '+      - run: echo "a=$B" >> "$GITHUB_OUTPUT"',
    ),
    "runner-image": edit(
        {CI: "jobs:\n  check:\n    runs-on: ubuntu-20.04\n    steps: []\n"},
        "This is a scheduled Ubuntu 20.04 brownout. The Ubuntu 20.04 runner image has been removed.",
        "+    runs-on: ubuntu-22.04",
    ),
    "dockerfile-package": edit(
        {
            "Dockerfile": "FROM python:3.12-slim\nCOPY requirements.txt .\n"
            "RUN pip install -r requirements.txt\n"
        },
        "#9 4.1   error: command 'gcc' failed: No such file or directory",
        "+RUN apt-get update && apt-get install -y --no-install-recommends gcc && "
        "rm -rf /var/lib/apt/lists/*",
        FailureClass.DOCKER_BUILD,
    ),
    "python-requirement": edit(
        {"requirements.txt": "click\nrequests\n", "app.py": "import yaml\n"},
        "ModuleNotFoundError: No module named 'yaml'",
        "+PyYAML",
    ),
    "node-dependency": edit(
        {
            "package.json": '{\n  "name": "app",\n  "dependencies": {}\n}\n',
            "package-lock.json": '{"packages": {"": {}, "node_modules/ms": {"version": "2.1.3"}}}\n',
        },
        "Error: Cannot find module 'ms'",
        '+    "ms": "^2.1.3"',
    ),
    "chart-version": edit(
        {"charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.4.2\n"},
        "Error: web-1.4.2.tgz already exists",
        "+version: 1.4.3",
    ),
    "template-block": edit(
        {"page.html.j2": "<ul>\n  {% for x in y %}\n    <li>{{ x }}</li>\n</ul>\n"},
        "page.html.j2:4 Unexpected end of template. Jinja was looking for the following tags: 'endfor'. "
        "The innermost block that needs to be closed is 'for'.",
        "+  {% endfor %}",
    ),
    "yaml-layout": edit(
        {"conf.yaml": "a:\n  b: 1\n   c: 2\n"},
        'mapping values are not allowed here\n  in "conf.yaml", line 3, column 5',
        "+  c: 2",
    ),
    "executable-bit": edit({"tools/run.sh": "#!/bin/sh\necho x\n"}, "./tools/run.sh: Permission denied", ""),
    "printed-correction": edit(
        {"a.txt": "we recieve it\n"}, "a.txt:1: recieve ==> receive", "+we receive it", FailureClass.LINT
    ),
    "path-case": edit(
        {
            CI: "jobs:\n  check:\n    runs-on: x\n    steps:\n      - run: cat docs/readme.md\n",
            "docs/README.md": "x\n",
        },
        "cat: docs/readme.md: No such file or directory",
        "+      - run: cat docs/README.md",
    ),
}
