package main

import (
	"slices"

	aiven "github.com/aiven/go-client-codegen"
	"github.com/aiven/go-client-codegen/handler/kafkatopic"
)

// topic is the one that these steps make.
func topic(s *site) string { return s.name("go-topic") }

func in(value int) *int { return &value }

var topicSteps = []step{
	{"topic create", func(s *site) error {
		return s.client.ServiceKafkaTopicCreate(s.ctx, s.project, s.service, &kafkatopic.ServiceKafkaTopicCreateIn{
			TopicName: topic(s), Partitions: in(2), Replication: in(3),
			Config: &kafkatopic.ConfigIn{RetentionMs: in(3600000)},
			Tags:   &[]kafkatopic.TagIn{{Key: "team", Value: "go"}},
		})
	}},
	{"topic create again is already exists", func(s *site) error {
		err := s.client.ServiceKafkaTopicCreate(s.ctx, s.project, s.service, &kafkatopic.ServiceKafkaTopicCreateIn{
			TopicName: topic(s), Partitions: in(2), Replication: in(3),
		})
		return expect(aiven.IsAlreadyExists(err), "%v", err)
	}},
	// 501 until Kafka has it, which the client tries again.
	{"topic get", func(s *site) error {
		out, err := s.client.ServiceKafkaTopicGet(s.ctx, s.project, s.service, topic(s))
		if err != nil {
			return err
		}
		good := out.TopicName == topic(s) && out.State == kafkatopic.TopicStateTypeActive &&
			len(out.Partitions) == 2 && out.Replication == 3 && out.Config.RetentionMs.Value == 3600000 &&
			len(out.Tags) == 1 && out.Tags[0].Value == "go"
		return expect(good, "%+v", out)
	}},
	{"topic list", func(s *site) error {
		out, err := s.client.ServiceKafkaTopicList(s.ctx, s.project, s.service)
		if err != nil {
			return err
		}
		has := func(it kafkatopic.TopicOut) bool { return it.TopicName == topic(s) && it.Partitions == 2 }
		return expect(slices.ContainsFunc(out, has), "%+v", out)
	}},
	{"topic list v2", func(s *site) error {
		names := []string{topic(s), s.name("nowhere")}
		out, err := s.client.ServiceKafkaTopicListV2(s.ctx, s.project, s.service,
			&kafkatopic.ServiceKafkaTopicListV2In{TopicNames: names})
		if err != nil {
			return err
		}
		return expect(len(out) == 1 && out[0].TopicName == topic(s) && len(out[0].Partitions) == 2, "%+v", out)
	}},
	{"topic update", func(s *site) error {
		err := s.client.ServiceKafkaTopicUpdate(s.ctx, s.project, s.service, topic(s),
			&kafkatopic.ServiceKafkaTopicUpdateIn{Config: &kafkatopic.ConfigIn{RetentionMs: in(7200000)}})
		return err
	}},
	{"topic delete", func(s *site) error {
		return s.client.ServiceKafkaTopicDelete(s.ctx, s.project, s.service, topic(s))
	}},
	{"topic delete again is not found", func(s *site) error {
		err := s.client.ServiceKafkaTopicDelete(s.ctx, s.project, s.service, topic(s))
		return expect(aiven.IsNotFound(err), "%v", err)
	}},
}
