"""What a vendor delivers and nobody can be sure of: images whose honest verdict is *unknown*, with a reason."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.support.demo.families import UBI, base_history, base_layer, noise
from tests.support.images import Layer, Stored, compact_json, copied, image, image_from_config

ENCRYPTED = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"


def encrypted(version: str) -> Stored:
    """Its second layer is encrypted (OCIcrypt): only the vendor's key shows which accounts it brings."""
    hidden = noise(f"appliance {version}", 8_000)
    layers = [base_layer(UBI), Layer(hidden, hidden, ENCRYPTED)]
    return image(layers, user="appliance", history=[*base_history(UBI), copied("dir:0b51f2c7 in /")])


def said_twice() -> Stored:
    """Its config has USER twice, once in small letters: Go's decoder takes the last, most others the first."""
    plain = image([base_layer(UBI)], user="1001", history=base_history(UBI))
    config = json.loads(plain.config)
    config["config"]["user"] = "0"
    return replace(image_from_config(compact_json(config), plain.layers), platform=plain.platform)
