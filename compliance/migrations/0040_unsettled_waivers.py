import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0039_event_of_rescans'),
    ]

    operations = [
        migrations.CreateModel(
            name='UnsettledWaiver',
            fields=[
                ('waiver', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='compliance.waiver')),
                ('after', models.BigIntegerField(blank=True, null=True)),
            ],
        ),
    ]
