from django.db import migrations, models

# As compliance.policy.protected_tags.patterns_regex makes it; patterns hold letters, digits and _ . - * ? only.
_COUNT = r"""
UPDATE compliance_repository r SET failed_protected = counted.n FROM (
    SELECT t.repository_id, count(*) AS n
    FROM compliance_registry g
    JOIN compliance_repository home ON home.registry_id = g.id
    JOIN compliance_tag t ON t.repository_id = home.id AND t.deleted_at IS NULL AND t.shown = 'fail'
    WHERE g.protected_tags <> '{}' AND t.name ~ ('^(?:' || replace(replace(replace(
        array_to_string(g.protected_tags, '|'), '.', '\.'), '*', '.*'), '?', '.') || ')$')
    GROUP BY t.repository_id
) counted WHERE counted.repository_id = r.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0026_tags_excused'),
    ]

    operations = [
        migrations.AddField(
            model_name='repository',
            name='failed_protected',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.RunSQL(_COUNT, migrations.RunSQL.noop),
    ]
