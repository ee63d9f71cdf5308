"""docs/mqtt.md and docs/asyncapi.yaml, made of the classes of the contract."""
