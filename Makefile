# Commands for development. They need an environment with requirements-dev.txt installed (see CONTRIBUTING.md).
.PHONY: check lint types test format docs wheel audit

check: lint types test  ## everything a change must pass; .ci/run runs this

lint:
	ruff check .
	ruff format --check .
	biome ci --error-on-warnings fsl

types:
	mypy

test:
	pytest -n 2

format:  ## mend what can be mended automatically
	ruff check --fix .
	ruff format .
	biome check --write fsl

# What fsl offers is loaded on first use; pdoc documents what is loaded.
MODULES = fsl fsl.config fsl.base fsl.data fsl.twin fsl.fewshot fsl.embedding fsl.training fsl.charts
docs:  ## the API reference, from the docstrings, as build/api/index.html
	python -c "import fsl; fsl.classify, fsl.SupportSet, fsl.load; from pdoc.__main__ import cli; cli()" \
		--docformat google --output-directory build/api $(MODULES)

audit:  ## known vulnerabilities in the tested versions; asks PyPI's and OSV's databases
	pip-audit --requirement constraints.txt --no-deps --disable-pip

wheel:  ## an installable wheel in build/, with the app and the checkpoints
	hatchling build --target wheel --directory build
