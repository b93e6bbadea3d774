"""Registry products as far as their documentation shows them, each under its own host names on one loopback port."""

from tests.support.products.internet import Asked, Handler, Internet, Reply, internet, json_reply

__all__ = ["Asked", "Handler", "Internet", "Reply", "internet", "json_reply"]
