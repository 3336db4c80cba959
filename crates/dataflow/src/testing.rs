//! Conformance suites: what every operator, aggregate, connector and format must pass.
