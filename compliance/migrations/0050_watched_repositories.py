"""People watch repositories; the choices of a kind are no constraint, so only the new table is written."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0049_findings_of_a_rule_from_an_index'),
    ]

    operations = [
        migrations.AlterField(
            model_name='delivery',
            name='kind',
            field=models.CharField(choices=[('regression', 'A tag that ran as somebody else runs as root now'), ('critical', 'A new critical finding'), ('assigned', 'A finding was assigned to me'), ('overdue', 'A finding is overdue'), ('waiver', 'A waiver expires soon, or has expired'), ('digest', 'The week of the team'), ('watched', 'News of a repository I watch: a regression, a new critical finding, one overdue')], max_length=16),
        ),
        migrations.AlterField(
            model_name='subscription',
            name='kind',
            field=models.CharField(choices=[('regression', 'A tag that ran as somebody else runs as root now'), ('critical', 'A new critical finding'), ('assigned', 'A finding was assigned to me'), ('overdue', 'A finding is overdue'), ('waiver', 'A waiver expires soon, or has expired'), ('digest', 'The week of the team'), ('watched', 'News of a repository I watch: a regression, a new critical finding, one overdue')], max_length=16),
        ),
        migrations.CreateModel(
            name='Watch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField()),
                ('repository', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='watches', to='compliance.repository')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='watches', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'repository'), name='watch_once')],
            },
        ),
    ]
