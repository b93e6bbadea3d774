"""All addresses of the site. Names of repositories contain slashes, so ``/-/`` ends them."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, path, re_path

from compliance.views import (
    deployments,
    findings,
    health,
    hooks,
    images,
    overview,
    policies,
    policy_scope,
    registries,
    repositories,
    rules,
    scans,
    session,
    webhooks,
)

handler500 = "compliance.views.outages.server_error"

# A tag never holds a slash, but a row that does must not break the lists that link to it.
urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.show, name="overview"),
    path("login/", session.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("theme/", session.choose_theme, name="theme"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    # All of it, so that nothing is redirected to an address with a slash: a redirected push is a lost push.
    re_path(r"^hooks(?:/(?P<key>.*))?$", hooks.receive, name="hook"),
    path("registries/", registries.index, name="registries"),
    path("registries/-/new/", registries.new, name="registry_new"),
    path("registries/-/test/", registries.try_connection, name="registry_test"),
    path("registries/-/listing/", registries.listing, name="registry_listing"),
    path("registries/-/scope/", registries.scope, name="registry_scope"),
    path("registries/-/runs/", registries.runs, name="registry_runs"),
    path("registries/<slug:slug>/", registries.show, name="registry"),
    path("registries/<slug:slug>/edit/", registries.edit, name="registry_edit"),
    path("registries/<slug:slug>/test/", registries.try_connection, name="registry_retest"),
    path("registries/<slug:slug>/delete/", registries.delete, name="registry_delete"),
    path("registries/<slug:slug>/resume/", registries.resume, name="registry_resume"),
    path("registries/<slug:slug>/scan/", scans.start, name="registry_scan"),
    path("registries/<slug:slug>/webhook/", webhooks.webhook, name="registry_webhook"),
    path("registries/<slug:slug>/webhook/rotate/", webhooks.rotate, name="webhook_rotate"),
    path("registries/<slug:slug>/webhook/enable/", webhooks.enable, name="webhook_enable"),
    path("registries/<slug:slug>/webhook/test/", webhooks.test, name="webhook_test"),
    path("registries/<slug:slug>/webhook/delete/", webhooks.delete, name="webhook_delete"),
    path("webhooks/", webhooks.index, name="webhooks"),
    path("webhooks/<int:event_id>/", webhooks.show, name="delivery"),
    path("webhooks/<int:event_id>/replay/", webhooks.replay, name="delivery_replay"),
    path("repos/", repositories.index, name="repositories"),
    path("tags/", repositories.tags, name="tags"),
    path("r/<slug:slug>/<path:name>/-/", repositories.repository, name="repository"),
    path("r/<slug:slug>/<path:name>/-/t/<path:tag>/", repositories.tag, name="tag"),
    re_path(r"^i/(?P<digest>[a-z0-9]{1,20}:[0-9a-f]{1,128})/$", images.show, name="image"),
    re_path(r"^i/(?P<digest>[a-z0-9]{1,20}:[0-9a-f]{1,128})/what-if/$", images.what_if, name="what_if"),
    path("deployments/", deployments.review, name="deployments"),
    path("findings/", findings.index, name="findings"),
    path("rules/", rules.index, name="rules"),
    path("rules/<slug:rule_id>/", rules.show, name="rule"),
    path("policies/", policies.index, name="policies"),
    path("policies/-/new/", policies.new, name="policy_new"),
    path("policies/<slug:name>/", policies.show, name="policy"),
    path("policies/<slug:name>/edit/", policies.edit, name="policy_edit"),
    path("policies/<slug:name>/preview/", policies.preview, name="policy_preview"),
    path("policies/<slug:name>/history/", policies.history, name="policy_history"),
    path("policies/<slug:name>/scope/", policy_scope.add, name="policy_scope"),
    path("policies/<slug:name>/scope/preview/", policy_scope.preview, name="policy_scope_preview"),
    path("policies/<slug:name>/scope/<int:assignment>/remove/", policy_scope.remove, name="policy_scope_remove"),
    path("policies/<slug:name>/scope/<int:assignment>/move/", policy_scope.move, name="policy_scope_move"),
    path("scans/", scans.index, name="scans"),
    path("scans/<int:scan_id>/", scans.show, name="scan"),
    path("scans/<int:scan_id>/changes/", scans.changes, name="scan_changes"),
    path("scans/<int:scan_id>/retry/", scans.retry, name="scan_retry"),
    path("scans/<int:scan_id>/cancel/", scans.cancel, name="scan_cancel"),
]
